//! What is wrong with a scenario, and where.

/// Why a text is no scenario, or cannot be run: the place and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The place: `steps[3].acquire.model`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl ScenarioError {
    pub(in crate::simulate) fn new(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into() }
    }

    pub(in crate::simulate) fn inside(self, step: usize) -> Self {
        Self { path: format!("steps[{step}].{}", self.path), ..self }
    }
}

impl core::fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl core::error::Error for ScenarioError {}
