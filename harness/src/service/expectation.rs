//! What a text is held against: a predicate, or the text that it must be.

use predicates_core::Predicate;
use predicates_core::reflection::PredicateReflection;
use std::fmt;

/// What can be expected of a text: every predicate over `str` (those of the crate `predicates`, for example), or a text,
/// which it must then be to the letter.
///
/// The parameter tells the two apart, as in `assert_cmd`; it is never written.
pub trait Expectation<P: Predicate<str>> {
    /// The predicate that it stands for.
    fn predicate(self) -> P;
}

impl<P: Predicate<str>> Expectation<P> for P {
    fn predicate(self) -> P {
        self
    }
}

impl Expectation<Exactly> for &str {
    fn predicate(self) -> Exactly {
        Exactly(self.to_owned())
    }
}

impl Expectation<Exactly> for String {
    fn predicate(self) -> Exactly {
        Exactly(self)
    }
}

/// This text and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exactly(String);

impl Predicate<str> for Exactly {
    fn eval(&self, variable: &str) -> bool {
        variable == self.0
    }
}

impl PredicateReflection for Exactly {}

impl fmt::Display for Exactly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "var == {:?}", self.0)
    }
}
