//! Directives outside the catalogue that decide whether a unit loads, or what a row says.

use crate::directive::{Choice, DIRECTIVES, Grammar, Section, choice};
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// One directive that is evaluated.
pub(super) struct Evaluated {
    pub section: Section,
    pub name: &'static str,
    pub since: u16,
    pub grammar: Grammar,
}

const fn service(name: &'static str, since: u16, grammar: Grammar) -> Evaluated {
    Evaluated { section: Section::Service, name, since, grammar }
}

const fn unit(name: &'static str, grammar: Grammar) -> Evaluated {
    Evaluated { section: Section::Unit, name, since: 0, grammar }
}

static TYPE: &[Choice] = &[
    // Not a word that can be written: what holds without one.
    choice("", u16::MAX),
    choice("simple", 0),
    choice("exec", 0),
    choice("forking", 0),
    choice("oneshot", 0),
    choice("dbus", 0),
    choice("notify", 0),
    choice("notify-reload", 253),
    choice("idle", 0),
];

static RESTART: &[Choice] = &[
    choice("no", 0),
    choice("on-success", 0),
    choice("on-failure", 0),
    choice("on-abnormal", 0),
    choice("on-watchdog", 0),
    choice("on-abort", 0),
    choice("always", 0),
];

static EXIT_TYPE: &[Choice] = &[choice("main", 0), choice("cgroup", 0)];

static KILL_MODE: &[Choice] =
    &[choice("control-group", 0), choice("process", 0), choice("mixed", 0), choice("none", 0)];

static ACTION: &[Choice] = &[
    choice("none", 0),
    choice("exit", 0),
    choice("exit-force", 0),
    choice("reboot", 0),
    choice("reboot-force", 0),
    choice("reboot-immediate", 0),
    choice("poweroff", 0),
    choice("poweroff-force", 0),
    choice("poweroff-immediate", 0),
    choice("soft-reboot", 254),
    choice("soft-reboot-force", 254),
    choice("kexec", 254),
    choice("kexec-force", 254),
    choice("halt", 254),
    choice("halt-force", 254),
    choice("halt-immediate", 254),
];

const fn word(words: &'static [Choice]) -> Grammar {
    Grammar::Choice { words, booleans: false }
}

static LOADING: &[Evaluated] = &[
    service("ExecCondition", 0, Grammar::Command),
    service("ExecStartPre", 0, Grammar::Command),
    service("ExecStart", 0, Grammar::Command),
    service("ExecStartPost", 0, Grammar::Command),
    service("ExecReload", 0, Grammar::Command),
    service("ExecReloadPost", 258, Grammar::Command),
    service("ExecStop", 0, Grammar::Command),
    service("ExecStopPost", 0, Grammar::Command),
    service("Type", 0, word(TYPE)),
    service("RemainAfterExit", 0, Grammar::Boolean),
    service("Restart", 0, word(RESTART)),
    service("ExitType", 250, word(EXIT_TYPE)),
    service("RestartForceExitStatus", 0, Grammar::Statuses),
    service("BusName", 0, Grammar::BusName),
    service("KillMode", 0, word(KILL_MODE)),
    unit("DefaultDependencies", Grammar::Boolean),
    unit("SuccessAction", word(ACTION)),
];

/// Old names of directives, which systemd takes for the new ones.
static OLD_NAMES: [(&str, &str); 3] = [
    ("ReadWriteDirectories", "ReadWritePaths"),
    ("ReadOnlyDirectories", "ReadOnlyPaths"),
    ("InaccessibleDirectories", "InaccessiblePaths"),
];

/// Everything that is evaluated: the catalogue, in its order, then what decides about loading.
pub(super) static EVALUATED: LazyLock<Vec<Evaluated>> = LazyLock::new(|| {
    let catalogue = DIRECTIVES.iter().map(|directive| Evaluated {
        section: directive.section,
        name: directive.name,
        since: directive.since,
        grammar: directive.values,
    });
    let loading = LOADING.iter().map(|entry| Evaluated { ..*entry });
    catalogue.chain(loading).collect()
});

static SLOTS: LazyLock<FxHashMap<&'static str, usize>> = LazyLock::new(|| {
    let mut slots: FxHashMap<_, _> = EVALUATED.iter().enumerate().map(|(slot, entry)| (entry.name, slot)).collect();
    for (old, new) in OLD_NAMES {
        if let Some(slot) = slots.get(new).copied() {
            slots.insert(old, slot);
        }
    }
    slots
});

/// The place in [`EVALUATED`] of a directive.
pub(super) fn slot(name: &str) -> Option<usize> {
    SLOTS.get(name).copied()
}
