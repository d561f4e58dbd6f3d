//! An engine that breaks when it is told to, so that tests see what becomes of a host then. Only in the tests' own build.

use credpool::id::SessionIx;

/// The session of which the hot path breaks.
pub(crate) const SESSION: SessionIx = SessionIx(1 << 40);

/// What a text that came from outside asks for.
pub(crate) fn asked(text: &str) {
    assert!(!text.contains("break:static"), "broken on purpose");
    // What it works on is in the message, secrets and all.
    assert!(!text.contains("break:computed"), "broken on purpose: {text}");
    if text.contains("break:index") {
        let empty: &[u8] = core::hint::black_box(&[]);
        core::hint::black_box(empty[text.len()]);
    }
    if text.contains("break:memory") {
        let half = core::hint::black_box(Vec::<u8>::with_capacity(isize::MAX as usize));
        core::hint::black_box((half, Vec::<u8>::with_capacity(isize::MAX as usize)));
    }
    if text.contains("break:depth") {
        core::hint::black_box(deeper(1));
    }
}

/// Breaks for its session.
pub(crate) fn session(session: SessionIx) {
    assert!(session != SESSION, "broken on purpose");
}

#[allow(unconditional_recursion, reason = "that is what it is for")]
fn deeper(depth: u64) -> u64 {
    let room = core::hint::black_box([depth; 64]);
    core::hint::black_box(deeper(depth + 1)) + room[0]
}
