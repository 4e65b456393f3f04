//! The stages in the life of a package, and what must be so in each.

use super::inventory::Inventory;
use super::units::{Installed, Shown, Unit, property};
use super::{Delivery, PATIENCE, Trial, must, work};
use crate::machine::MachineError;
use crate::report::{Stage, Work};
use crate::verify::VerifyError;
use sandbox_unit::spec::Spec;
use sandbox_unit::unit::value::boolean;
use std::collections::BTreeSet;

/// A file among what a service has written, by which it is seen whether that is kept.
const KEPT: &str = "sandbox-unit-kept";

/// What an administrator has set for a service.
const ADMINISTRATORS: &str = "50-sandbox-unit-administrator.conf";
const SETTING: &str = "ADMINISTRATOR=yes";

/// Where that is.
fn administrators(unit: &str) -> String {
    format!("/etc/systemd/system/{unit}.d/{ADMINISTRATORS}")
}

fn stage(name: &str, works: Vec<Work>) -> Stage {
    Stage { name: name.to_owned(), works }
}

fn is_up(shown: &Shown) -> bool {
    matches!(property(shown, "ActiveState"), "active" | "reloading" | "refreshing")
}

fn state(shown: &Shown) -> String {
    let result = match property(shown, "Result") {
        "" | "success" => String::new(),
        result => format!(", {result}"),
    };
    format!("{}{result}", property(shown, "ActiveState"))
}

impl Trial<'_> {
    /// Installs the package, and tells whether its units are loaded, enabled and started as they must be. `None` where it is
    /// not installed or has no service.
    pub fn install(&mut self, file: &str, delivery: &Delivery) -> Result<(Option<Installed>, Stage), VerifyError> {
        let output = self.manager.install(self.machine, file)?;
        let mut works = vec![work(format!("{} installs {}", self.manager.program(), self.identity.told()), &output)];
        if !output.success() {
            return Ok((None, stage("installation", works)));
        }
        if !self.manager.is_native(self.machine)? {
            let program = self.manager.program();
            self.notes.push(format!(
                "the image is of another family of distributions, and {program} knows nothing of its packages: dependencies \
                 were not looked at"
            ));
        }
        let installed = self.installed()?;
        if !installed.units.iter().any(Unit::is_service) {
            works.push(must("it brings a service".into(), false, "there is none in /usr/lib/systemd/system"));
            return Ok((None, stage("installation", works)));
        }
        for (unit, shown) in installed.units.iter().zip(self.shown(&installed)?) {
            works.extend(self.as_installed(unit, &shown));
        }
        works.extend(self.weakened(&installed)?);
        works.extend(self.made_users(&installed)?);
        for path in self.made(&installed)? {
            let there = self.machine.exec(&["test", "-d", &path], b"", PATIENCE)?.success();
            works.push(must(format!("{path} is made"), there, if there { "" } else { "there is no such directory" }));
        }
        for missing in delivery.missing(&installed) {
            works.push(must(format!("it brings {missing}"), false, "its package declares it, and it is not there"));
        }
        if !self.manager.starts() {
            let names = installed.to_start();
            let output = self.machine.exec(
                &[&["systemctl", "enable", "--now", "--"], names.as_slice()].concat(),
                b"",
                PATIENCE,
            )?;
            works.push(work(format!("systemctl enable --now {}", names.join(" ")), &output));
            for (unit, shown) in
                installed.units.iter().zip(self.shown(&installed)?).filter(|(unit, _)| unit.can_be_enabled)
            {
                works.push(must(format!("{} is started then", unit.name), is_up(&shown), state(&shown)));
            }
        }
        Ok((Some(installed), stage("installation", works)))
    }

    /// What must be so of a unit when its package was installed.
    fn as_installed(&self, unit: &Unit, shown: &Shown) -> Vec<Work> {
        let name = &unit.name;
        let loaded = property(shown, "LoadState") == "loaded" && property(shown, "NeedDaemonReload") == "no";
        let mut works = vec![must(
            format!("{name} is known to systemd"),
            loaded,
            match property(shown, "NeedDaemonReload") {
                "yes" => "an older text of it: the package does not reload systemd",
                _ => property(shown, "LoadState"),
            },
        )];
        let (enabled, up) = (property(shown, "UnitFileState"), is_up(shown));
        match (self.manager.starts(), unit.can_be_enabled) {
            (true, true) => {
                works.push(must(format!("{name} is enabled"), enabled == "enabled", enabled));
                works.push(must(format!("{name} is started"), up, state(shown)));
            }
            // Presets decide, and those of the image can be anything.
            (false, true) => {
                works.push(must(
                    format!("{name} is as presets have it"),
                    matches!(enabled, "enabled" | "disabled"),
                    enabled,
                ));
                works.push(must(format!("{name} is not started by the installation"), !up, state(shown)));
            }
            (_, false) => works.push(must(format!("{name} waits for what starts it"), !up, state(shown))),
        }
        works
    }

    /// Whether the users of the services are there.
    fn made_users(&self, installed: &Installed) -> Result<Vec<Work>, MachineError> {
        let mut works = Vec::new();
        for user in users(installed) {
            let there = self.machine.exec(&["getent", "passwd", &user], b"", PATIENCE)?;
            works.push(must(format!("the user {user} is made"), there.success(), there.text().trim()));
        }
        Ok(works)
    }

    /// Whether what services have written is there, each with a word of where.
    fn kept(&self, directories: &[String]) -> Result<Vec<Work>, MachineError> {
        let mut works = Vec::new();
        for directory in directories {
            let there = self.machine.exec(&["test", "-f", &format!("{directory}/{KEPT}")], b"", PATIENCE)?.success();
            works.push(must(format!("{directory} keeps what is in it"), there, if there { "" } else { "it is gone" }));
        }
        Ok(works)
    }

    /// Upgrades the running package: to this file, or else to the same package with a higher version. The result tells what
    /// it has brought then.
    pub fn upgrade(
        &mut self,
        installed: &Installed,
        file: &str,
        next: Option<&str>,
    ) -> Result<(Installed, Stage), VerifyError> {
        self.restrain()?;
        for unit in installed.units.iter().filter(|unit| unit.is_service()) {
            self.given.insert(unit.name.clone());
            self.machine.write_file(
                &administrators(&unit.name),
                format!("[Service]\nEnvironment={SETTING}\n").as_bytes(),
                0o644,
            )?;
        }
        self.machine.reload()?;
        self.machine.start(&installed.to_start(), PATIENCE)?;
        let directories = installed.state(&self.made(installed)?);
        // A directory of a service is there once that has run.
        let mark = "for directory; do [ ! -d \"$directory\" ] || echo kept >\"$directory/$0\"; done";
        let words =
            [["sh", "-c", mark, KEPT].as_slice(), &directories.iter().map(String::as_str).collect::<Vec<_>>()].concat();
        self.machine.exec(&words, b"", PATIENCE)?.checked("sh")?;
        let directories: Vec<String> = self.there(directories)?;
        let before = self.shown(installed)?;

        let mut works = Vec::new();
        let own = match next {
            Some(next) => Some(next.to_owned()),
            None => self.manager.successor(self.machine, file)?,
        };
        let mut shown = self.identity.told();
        let output = match &own {
            Some(next) => {
                if let Ok(identity) = self.manager.identity(self.machine, next)? {
                    shown = identity.told();
                }
                self.manager.upgrade(self.machine, next)?
            }
            None => {
                self.notes
                    .push("the upgrade was one to the same version once more: name another with --upgrade".into());
                self.manager.again(self.machine, file)?
            }
        };
        works.push(work(format!("{} upgrades to {shown}", self.manager.program()), &output));
        let now = self.installed()?;
        works.extend(self.changed(installed, &now)?);
        for ((unit, before), after) in installed.units.iter().zip(&before).zip(self.shown(installed)?) {
            let name = &unit.name;
            if !now.has(name) {
                continue;
            }
            if is_up(before) {
                works.push(must(format!("{name} is up"), is_up(&after), state(&after)));
            }
            if unit.is_service() && is_up(before) {
                let again = property(&after, "InvocationID") != property(before, "InvocationID");
                let detail = if again { "" } else { "the old one runs on" };
                works.push(must(format!("{name} was started again"), again, detail));
            }
            if unit.can_be_enabled {
                let enabled = property(&after, "UnitFileState");
                works.push(must(
                    format!("{name} is {} as before", property(before, "UnitFileState")),
                    enabled == property(before, "UnitFileState"),
                    enabled,
                ));
            }
            if unit.is_service() {
                let honoured = property(&after, "Environment").split_whitespace().any(|one| one == SETTING);
                let reloaded = property(&after, "NeedDaemonReload") == "no";
                let detail = match (honoured, reloaded) {
                    (true, true) => "",
                    (true, false) => "systemd has not read the new unit",
                    (false, _) => "its setting is not in force",
                };
                works.push(must(
                    format!("{name} honours a drop-in of the administrator"),
                    honoured && reloaded,
                    detail,
                ));
            }
        }
        works.extend(self.kept(&directories)?);
        Ok((now, stage("upgrade", works)))
    }

    /// What must be so of units that only one of two versions has.
    fn changed(&self, old: &Installed, new: &Installed) -> Result<Vec<Work>, MachineError> {
        let mut works = Vec::new();
        for (unit, shown) in new.units.iter().zip(self.shown(new)?).filter(|(unit, _)| !old.has(&unit.name)) {
            works.extend(self.as_installed(unit, &shown));
        }
        for (unit, shown) in old.units.iter().zip(self.shown(old)?).filter(|(unit, _)| !new.has(&unit.name)) {
            let down = matches!(property(&shown, "ActiveState"), "inactive" | "failed" | "");
            works.push(must(format!("{}, which is no more, is stopped", unit.name), down, state(&shown)));
        }
        Ok(works)
    }

    /// Those of these directories that are there.
    fn there(&self, directories: Vec<String>) -> Result<Vec<String>, MachineError> {
        let mut there = Vec::new();
        for directory in directories {
            if self.machine.exec(&["test", "-d", &directory], b"", PATIENCE)?.success() {
                there.push(directory);
            }
        }
        Ok(there)
    }

    /// Removes the package: nothing of it runs or is there any more, but what the services have written.
    pub fn remove(&mut self, installed: &Installed, before: &Inventory) -> Result<Stage, VerifyError> {
        let directories = self.there(installed.state(&self.made(installed)?))?;
        let output = self.manager.remove(self.machine, &self.identity.handle)?;
        let mut works = vec![work(format!("{} removes {}", self.manager.program(), self.identity.name), &output)];
        for (unit, shown) in installed.units.iter().zip(self.shown(installed)?) {
            let down = matches!(property(&shown, "ActiveState"), "inactive" | "failed" | "");
            works.push(must(format!("{} is stopped", unit.name), down, state(&shown)));
        }
        let left = self.left(installed, before)?;
        let of_the_package: Vec<&str> =
            left.iter().filter(|path| installed.files.contains(path)).map(String::as_str).collect();
        // What lies in /etc is configuration, and stays until it is purged.
        let of_the_package: Vec<&str> = of_the_package.into_iter().filter(|path| !path.starts_with("/etc/")).collect();
        works.push(must("no file of it is left".into(), of_the_package.is_empty(), of_the_package.join(", ")));
        works.extend(self.kept(&directories)?);
        for unit in installed.units.iter().filter(|unit| unit.is_service()) {
            let there = self.machine.read_file(&administrators(&unit.name))?.is_some();
            // A unit that is new has none.
            if there || self.given.contains(&unit.name) {
                let detail = if there { "" } else { "it is gone" };
                works.push(must(format!("{} keeps the drop-in of the administrator", unit.name), there, detail));
            }
        }
        if self.manager.purge_is_unknown() {
            let stamps = installed.units.iter().filter(|unit| unit.name.ends_with(".timer"));
            let stamps = stamps.map(|unit| format!("/var/lib/systemd/timers/stamp-{}", unit.name));
            let stays: Vec<String> = directories.into_iter().chain(stamps).collect();
            works.push(nothing_else(left, &stays));
            self.tell_of_users(installed)?;
            self.notes.push(format!("{} has no purge: what the services have written stays", self.manager.program()));
        }
        Ok(stage("removal", works))
    }

    /// Purges the package: nothing is left of it at all. `None` where there is no such thing.
    pub fn purge(&mut self, installed: &Installed, before: &Inventory) -> Result<Option<Stage>, VerifyError> {
        let Some(output) = self.manager.purge(self.machine, &self.identity.handle) else { return Ok(None) };
        let mut works = vec![work(format!("{} purges {}", self.manager.program(), self.identity.name), &output?)];
        let left = self.left(installed, before)?;
        works.push(nothing_else(left, &[]));
        self.tell_of_users(installed)?;
        Ok(Some(stage("purge", works)))
    }

    /// What is there and was not before the package came. The drop-ins of the administrator are his, and not looked at.
    fn left(&self, installed: &Installed, before: &Inventory) -> Result<Vec<String>, MachineError> {
        let units = installed.units.iter().map(|unit| &unit.name).chain(&self.given);
        let theirs: Vec<String> = units.map(|unit| format!("/etc/systemd/system/{unit}.d")).collect();
        let mut left = Inventory::of(self.machine)?.since(before);
        left.retain(|path| !theirs.contains(path));
        Ok(left)
    }

    /// Says which users stay: what is theirs, wherever that is, must not become that of a user who comes later.
    fn tell_of_users(&mut self, installed: &Installed) -> Result<(), MachineError> {
        for user in users(installed) {
            if self.machine.exec(&["getent", "passwd", &user], b"", PATIENCE)?.success() {
                self.notes.push(format!("the user {user} stays, as is usual: what is left of it is nobody else's"));
            }
        }
        Ok(())
    }
}

/// The users of the services that are there all the time.
fn users(installed: &Installed) -> BTreeSet<String> {
    let services = installed.units.iter().filter(|unit| unit.is_service());
    services
        .filter_map(|unit| {
            let assignments = sandbox_unit::unit::assignments(&unit.text);
            let last =
                |name: &str| assignments.iter().rev().find(|one| one.directive == name).map(|one| one.value.as_str());
            let dynamic = last("DynamicUser").and_then(boolean) == Some(true);
            last("User").filter(|user| !dynamic && !user.is_empty()).map(str::to_owned)
        })
        .collect()
}

/// Whether nothing is left but this.
fn nothing_else(mut left: Vec<String>, but: &[String]) -> Work {
    let private = |path: &str| TOPS.iter().find_map(|top| Some(format!("{top}private/{}", path.strip_prefix(top)?)));
    left.retain(|path| {
        !but.iter()
            .any(|kept| path == kept || private(kept).as_deref() == Some(path) || kept.starts_with(&format!("{path}/")))
    });
    let name = if but.is_empty() { "nothing is left of it" } else { "nothing else is left of it" };
    must(name.into(), left.is_empty(), left.join(", "))
}

/// Where the directories of dynamic users are in a folder `private` (systemd.exec(5), `DynamicUser=`).
const TOPS: [&str; 3] = ["/var/lib/", "/var/cache/", "/var/log/"];

impl Delivery {
    /// The services that are not in the package, though the package here declares them that declares others in it.
    fn missing(&self, installed: &Installed) -> Vec<String> {
        let is_there = |spec: &Spec| installed.units.iter().any(|unit| unit.name == spec.service_unit());
        let here =
            |spec: &Spec| self.specs.iter().any(|other| other.package.name == spec.package.name && is_there(other));
        let missing = self.specs.iter().filter(|spec| here(spec) && !is_there(spec));
        missing.map(Spec::service_unit).collect()
    }
}
