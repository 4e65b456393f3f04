//! What a service holds for each directive that is evaluated: of the many, most units write a few.

use super::loading::{EVALUATED, slot};
use super::value::Value;
use std::sync::LazyLock;

/// What holds without a line, in the order of [`EVALUATED`].
static INITIAL: LazyLock<Vec<Value>> =
    LazyLock::new(|| EVALUATED.iter().map(|entry| Value::initial(entry.name, entry.grammar)).collect());

/// The values of all directives that are evaluated.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// In the order of [`EVALUATED`]; `None` where the initial value holds.
    own: Vec<Option<Box<Value>>>,
    /// Whether some line assigns it.
    assigned: Vec<bool>,
}

impl Held {
    /// What holds before the first line.
    pub fn initial() -> Self {
        Self { own: vec![None; INITIAL.len()], assigned: vec![false; INITIAL.len()] }
    }

    /// What is held for a directive.
    pub fn value(&self, name: &str) -> Option<&Value> {
        slot(name).and_then(|slot| self.at(slot))
    }

    /// The value in a place of [`EVALUATED`].
    pub fn at(&self, slot: usize) -> Option<&Value> {
        self.own.get(slot).and_then(Option::as_deref).or_else(|| INITIAL.get(slot))
    }

    /// The same, to be changed.
    pub fn at_mut(&mut self, slot: usize) -> Option<&mut Value> {
        let (own, initial) = (self.own.get_mut(slot)?, INITIAL.get(slot)?);
        Some(own.get_or_insert_with(|| Box::new(initial.clone())))
    }

    /// The value of a directive, to be changed.
    pub fn value_mut(&mut self, name: &str) -> Option<&mut Value> {
        slot(name).and_then(|slot| self.at_mut(slot))
    }

    /// A line assigns what is in this place of [`EVALUATED`].
    pub fn assign(&mut self, slot: usize) {
        if let Some(assigned) = self.assigned.get_mut(slot) {
            *assigned = true;
        }
    }

    /// Whether some line assigns this directive.
    pub fn assigns(&self, name: &str) -> bool {
        slot(name).and_then(|slot| self.assigned.get(slot)).is_some_and(|assigned| *assigned)
    }

    /// The values of all of them, in the order of [`EVALUATED`].
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.own.iter().zip(INITIAL.iter()).map(|(own, initial)| own.as_deref().unwrap_or(initial))
    }
}

/// A value counts as what it is, written or not.
impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.assigned == other.assigned && self.values().eq(other.values())
    }
}

impl Eq for Held {}
