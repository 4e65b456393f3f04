//! What the lints find in the units that systemd ships: what has a reason, and nothing else.

use crate::units::{read_folder, shipped as services};
use crate::{Outcome, SHIPPED, image};
use sandbox_unit::audit::{Keep, Part, Service};
use sandbox_unit::lint::{Manager, Subject, lint};
use sandbox_unit::unit::Document;
use std::collections::BTreeSet;

/// A lint that fires on a unit that systemd ships, and is right: the code, how the unit's name begins, and why.
const RIGHT: &[(&str, &str, &str)] = &[
    ("SU103", "systemd-hostnamed.", "it writes /etc/hostname and /etc/machine-info: a hole that is wanted"),
    ("SU103", "systemd-localed.", "it writes /etc/locale.conf and its like: a hole that is wanted"),
    ("SU103", "systemd-timedated.", "it writes /etc/adjtime and /etc/localtime: a hole that is wanted"),
    ("SU103", "systemd-logind.", "it writes files in /etc: a hole that is wanted"),
    ("SU111", "systemd-", "/run is writable in it, which it or root makes use of"),
    ("SU119", "systemd-", "/sys is writable in it since 257, as in every unit that relies on this line"),
];

/// Looks at every unit that the system with this systemd ships.
pub fn shipped(version: &str) -> Result<(), String> {
    let (units, found) = findings(version).map_err(|error| error.to_string())?;
    let right = |finding: &&Finding| {
        !RIGHT.iter().any(|(code, unit, _)| finding.code == *code && finding.unit.starts_with(unit))
    };
    let wrong: Vec<String> =
        found.iter().filter(right).map(|Finding { code, unit, message }| format!("{code} {unit}: {message}")).collect();
    println!(
        "systemd {version}: {units} shipped units linted, {} findings, all with a reason",
        found.len() - wrong.len()
    );
    if units == 0 || found.is_empty() {
        return Err("nothing was found, not even what is known to be there".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

struct Finding {
    code: &'static str,
    unit: String,
    message: String,
}

fn findings(version: &str) -> Outcome<(usize, Vec<Finding>)> {
    let (root, systemd) = image(version)?;
    let folder = read_folder(&root, SHIPPED.first().ok_or("no folder")?)?;
    let mut found = Vec::new();
    let mut units = 0;
    // systemd and Debian's packages make them in sysusers.d and when they are installed.
    let users = BTreeSet::new();
    for file in services(&root, &folder) {
        let document = Document::parse(folder.files.get(&file).cloned().unwrap_or_default());
        let parts = [Part { document: &document, drop_in: false }];
        let service = Service::load(&file.replace("@.", "@x."), &parts, systemd, Keep::Findings).ok();
        units += 1;
        let subject = Subject {
            parts: &parts,
            service: service.as_ref(),
            version: systemd,
            manager: Manager::System,
            kind: "service",
            users: Some(&users),
        };
        found.extend(lint(&subject).into_iter().map(|finding| Finding {
            code: finding.code,
            unit: file.clone(),
            message: finding.message,
        }));
    }
    Ok((units, found))
}
