//! The rows of the audit, in systemd's order.
//!
//! Weights, ranges and judgements: src/analyze/analyze-security.c of systemd 252 to 262. The row about CAP_BPF came with
//! 252.19, 253.13, 254.6 and 255; the table has it for every version from 252 on. The sentences are our own.

mod calls;
mod capabilities;
mod conduct;
mod isolation;
mod kinds;
mod reach;

use super::check::{Assess, Check};
use super::load::Service;
use super::loading::slot;
use std::sync::LazyLock;

const fn check(
    id: &'static str,
    json_field: &'static str,
    weight: u64,
    range: u64,
    assess: Assess,
    good: &'static str,
    bad: &'static str,
) -> Check {
    Check { id, json_field, good, bad, weight, range, default_dependencies_only: false, since: 0, assess }
}

impl Check {
    const fn with_default_dependencies(mut self) -> Self {
        self.default_dependencies_only = true;
        self
    }

    const fn since(mut self, since: u16) -> Self {
        self.since = since;
        self
    }
}

/// Every row.
pub static CHECKS: LazyLock<Vec<&'static Check>> = LazyLock::new(|| {
    let tables = [isolation::TABLE, capabilities::TABLE, conduct::TABLE, kinds::TABLE, calls::TABLE, reach::TABLE];
    tables.into_iter().flatten().collect()
});

/// The place of the directive that decides each of [`CHECKS`]: looked up once, as there are many units and many rows.
pub(super) static LOOKED_AT: LazyLock<Vec<Option<usize>>> =
    LazyLock::new(|| CHECKS.iter().map(|check| check.assess.directive().and_then(slot)).collect());

fn is_root(name: &str) -> bool {
    matches!(name, "0" | "root")
}

/// Whether root's identity makes a row pointless.
fn is_privileged(service: &Service) -> bool {
    service.text("User").map_or(!service.is_on("DynamicUser"), is_root)
}
