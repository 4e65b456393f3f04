//! What the process ends with. Stable: scripts rely on it.

/// All good.
pub const GOOD: u8 = 0;
/// Findings: a probe was allowed, a check failed, files differ.
pub const FINDINGS: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// This machine cannot run it.
pub const UNABLE: u8 = 3;
/// Interrupted by a signal (128 + SIGINT, as shells have it).
pub const INTERRUPTED: u8 = 130;

/// Every one of them, with what it says.
pub const EXIT_CODES: [(u8, &str); 5] = [
    (GOOD, "all good"),
    (
        FINDINGS,
        "findings: a forbidden action went through, a check failed, a build failed, files differ, a score is too high",
    ),
    (USAGE, "usage or configuration; the message says where"),
    (UNABLE, "this machine cannot run it; the message says the remedy"),
    (INTERRUPTED, "interrupted by a signal"),
];
