//! `explain`: what a word means.

use crate::GOOD;
use crate::cli::Explain;
use crate::error::Error;
use anstream::println;
use sandbox_unit::diagnostic::did_you_mean;
use sandbox_unit::directive::{self, DIRECTIVES, Directive};
use sandbox_unit::exit_status::{self, ExitStatus};
use sandbox_unit::lint::{self, Lint, lints};
use sandbox_unit::need::{Effect, Entry, NEEDS};
use sandbox_unit_harness::probe::{Probe, probes};

/// Runs the verb.
pub fn run(options: &Explain) -> Result<u8, Error> {
    let name = options.name.trim_end_matches('=');
    match name {
        "needs" => NEEDS.iter().for_each(|need| println!("{:22} it {}", need.name, need.does)),
        "directives" => {
            DIRECTIVES.iter().for_each(|directive| println!("{:28} {}", directive.name, directive.protects))
        }
        "probes" => probes().iter().for_each(|probe| println!("{:28} {}", probe.id, probe.action)),
        "lints" => lints().for_each(|lint| println!("{:8} {:26} {}", lint.code, lint.name, lint.reason)),
        _ => one(name)?,
    }
    Ok(GOOD)
}

fn one(name: &str) -> Result<(), Error> {
    let code = name.split('/').next().and_then(|code| code.parse().ok()).and_then(exit_status::find);
    let status = code.or_else(|| exit_status::EXIT_STATUSES.iter().find(|status| status.name == name));
    if let Some(directive) = directive::find(name) {
        explain_directive(directive);
    } else if let Some(need) = NEEDS.iter().find(|need| need.name == name) {
        explain_need(need);
    } else if let Some(status) = status {
        explain_status(status);
    } else if let Some(lint) = lint::find(name) {
        explain_lint(lint);
    } else if let Some(probe) = probes().iter().find(|probe| probe.id == name) {
        explain_probe(probe);
    } else {
        let probes = probes();
        let known = DIRECTIVES
            .iter()
            .map(|directive| directive.name)
            .chain(NEEDS.iter().map(|need| need.name))
            .chain(lints().flat_map(|lint| [lint.code, lint.name]))
            .chain(probes.iter().map(|probe| probe.id.as_ref()));
        let hint = did_you_mean(name, known).map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
        return Err(Error::Usage(format!("`{name}` is no directive, need, probe, lint or exit status{hint}")));
    }
    Ok(())
}

fn explain_directive(directive: &Directive) {
    println!("{}= ({}, in [{}])", directive.name, directive.topic.title(), directive.section.name());
    println!("  {}", directive.protects);
    if !directive.breaks.is_empty() {
        println!("  could break: {}", directive.breaks);
    }
    if directive.since > 0 {
        println!("  since systemd {}", directive.since);
    }
    println!("  values: {}", directive.values.describe());
    if !directive.default.is_empty() {
        println!("  without it: {}", directive.default);
    }
    for (implied, value) in directive.implies {
        println!("  brings: {implied}={value}");
    }
    let mechanisms: Vec<&str> = directive.mechanism.iter().map(|mechanism| mechanism.describe()).collect();
    println!("  enforced by: {}", mechanisms.join(", "));
    println!("  counts: {}", directive.scope.describe());
    if directive.brings_no_new_privileges {
        println!("  in user units: brings NoNewPrivileges=yes");
    }
    let lifting: Vec<&str> = NEEDS
        .iter()
        .filter(|need| {
            need.effects.iter().any(|effect| matches!(effect, Effect::Lift(name) if *name == directive.name))
        })
        .map(|need| need.name)
        .collect();
    if !lifting.is_empty() {
        println!("  not set for the needs: {}", lifting.join(", "));
    }
    let probes = probes();
    let proving: Vec<&str> = probes
        .iter()
        .filter(|probe| {
            let on = [sandbox_unit::policy::Setting::plain(directive.name, "yes")];
            probe.refused_by.iter().any(|refusal| !refusal.by(&on).is_empty())
        })
        .map(|probe| probe.id.as_ref())
        .collect();
    if !proving.is_empty() {
        println!("  proven by the probes: {}", proving.join(", "));
    }
    println!("  manual: {}", directive.manual.page());
}

fn explain_lint(lint: &Lint) {
    println!("{} {} ({})", lint.code, lint.name, lint.level.name());
    println!("  {}", lint.reason);
    for (said, lines) in [("it says", lint.example.bad), ("what was meant", lint.example.good)] {
        println!("  {said}:");
        lines.lines().for_each(|line| println!("    {line}"));
    }
}

fn explain_need(need: &Entry) {
    println!("needs = [\"{}\"]", need.name);
    println!("  the service {}", need.does);
    for effect in need.effects {
        println!("  {}", consequence(effect));
    }
}

/// What a need changes, in words.
pub fn consequence(effect: &Effect) -> String {
    match effect {
        Effect::Lift(directive) => format!("{directive}= is not set"),
        Effect::Weaken(directive, value) => format!("{directive}={value}"),
        Effect::Capability(name) => format!("it holds {name}"),
        Effect::Family(name) => format!("it may use {name} sockets"),
        Effect::Syscalls(name) => format!("it may make the system calls {name}"),
        Effect::Address(name) => format!("it may talk to {name}"),
        Effect::Exec(path) => format!("it may execute what is below {path}"),
        Effect::Reach(path) => format!("{path} stays in sight"),
        Effect::Device(device) => format!("it may use {device}"),
    }
}

fn explain_status(status: &ExitStatus) {
    println!("status={}/{}", status.code, status.name);
    println!("  {}", status.meaning);
    if !status.causes.is_empty() {
        println!("  can come from: {}", status.causes.join(", "));
    }
}

fn explain_probe(probe: &Probe) {
    println!("{} ({})", probe.id, probe.group.title());
    println!("  it must not {}", probe.action);
    println!("  able to stop it:");
    for refusal in probe.refused_by.iter() {
        println!("    {refusal}");
    }
}
