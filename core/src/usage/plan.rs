//! Plans: which class a provider's word for one is of, and whether it gives a model (spec/omp-selection.md §4.6).

use crate::facts::usage::Wants;

/// A class of plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlanClass {
    /// Nobody said, or in a word that is not known.
    Unknown,
    /// Nothing is paid.
    Free,
    /// It is paid for.
    Paid,
    /// The large one.
    Pro,
}

/// Does an account's plan give a model? The better comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fits {
    /// It does, or the model wants none.
    Yes,
    /// Nobody knows.
    Unknown,
    /// It does not.
    No,
}

impl PlanClass {
    /// Reads a provider's word: `ChatGPT Pro`, `pro-lite`, `self_serve_business_usage_based`.
    pub fn read(plan: &str) -> Self {
        let plan = plan.trim_ascii().to_ascii_lowercase();
        let mut words = plan.split([' ', '-', '_']).filter(|word| !word.is_empty());
        let (mut class, mut last) = (Self::Unknown, "");
        for word in &mut words {
            class = class.max(match word {
                "lite" if last == "pro" => return Self::Paid,
                "prolite" => return Self::Paid,
                "pro" => Self::Pro,
                "plus" | "business" | "team" | "enterprise" | "edu" | "education" | "teacher"
                | "teachers" | "health" | "gov" | "government" => Self::Paid,
                "free" | "go" => Self::Free,
                _ => Self::Unknown,
            });
            last = word;
        }
        class
    }

    /// Does it give what a model wants?
    pub const fn fits(self, wants: Wants) -> Fits {
        match (wants, self) {
            (Wants::Any, _) | (Wants::Paid, Self::Paid | Self::Pro) | (Wants::Pro, Self::Pro) => Fits::Yes,
            (_, Self::Unknown) => Fits::Unknown,
            _ => Fits::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_of_a_class() {
        for (plan, class, paid, pro) in [
            ("ChatGPT Pro", PlanClass::Pro, Fits::Yes, Fits::Yes),
            ("chatgpt_pro", PlanClass::Pro, Fits::Yes, Fits::Yes),
            ("pro-lite", PlanClass::Paid, Fits::Yes, Fits::No),
            ("prolite", PlanClass::Paid, Fits::Yes, Fits::No),
            ("ChatGPT Plus", PlanClass::Paid, Fits::Yes, Fits::No),
            ("self_serve_business_usage_based", PlanClass::Paid, Fits::Yes, Fits::No),
            ("go", PlanClass::Free, Fits::No, Fits::No),
            ("free_workspace", PlanClass::Free, Fits::No, Fits::No),
            ("k12", PlanClass::Unknown, Fits::Unknown, Fits::Unknown),
            ("guest", PlanClass::Unknown, Fits::Unknown, Fits::Unknown),
            ("", PlanClass::Unknown, Fits::Unknown, Fits::Unknown),
        ] {
            let read = PlanClass::read(plan);
            assert_eq!((read, read.fits(Wants::Paid), read.fits(Wants::Pro)), (class, paid, pro), "{plan}");
            assert_eq!(read.fits(Wants::Any), Fits::Yes);
        }
    }
}
