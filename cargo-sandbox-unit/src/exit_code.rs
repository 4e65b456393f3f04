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
