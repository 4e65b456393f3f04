//! What a unit amounts to: its effective settings, and the exposure that `systemd-analyze security` gives it.
//!
//! [`Service::load`] reads a unit's file and drop-ins as a version of systemd would; [`assess`] scores what came of it,
//! row by row as `systemd-analyze security --offline=true` of that version does.

mod change;
mod check;
mod checks;
mod exposure;
mod held;
mod load;
mod loading;
mod policy;
mod suggest;
pub mod value;

pub use change::{Change, Difference, Verdict, diff};
pub use check::{Assessment, Check};
pub use checks::CHECKS;
pub use exposure::{Exposure, RATINGS, Row, assess, exposure, exposure_of};
pub use load::{Found, Keep, LoadError, Part, Service, default_instance};
pub use policy::{Override, PolicyError, ScoringPolicy};
pub use suggest::{Suggestion, suggest};

#[cfg(test)]
mod tests;
