//! Why a service does not work: what its status, its journal and its unit say together.

use crate::machine::JournalEntry;
use sandbox_unit::directive;
use sandbox_unit::exit_status;
use sandbox_unit::policy::Setting;
use sandbox_unit::unit::words;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A sign in the journal, or in a failed check, of what was denied.
struct Sign {
    /// Texts, one of which must be there.
    texts: &'static [&'static str],
    /// The directives that are able to cause it, most likely first.
    causes: &'static [&'static str],
    /// What to declare if the service does need it.
    declare: &'static str,
}

/// Signs that tell what was to be done.
static SIGNS: &[Sign] = &[
    Sign {
        texts: &["listen", "bind"],
        causes: &["SocketBindDeny", "CapabilityBoundingSet", "RestrictAddressFamilies"],
        declare: "listen = [\"tcp:PORT\"], which below 1024 brings the capability for it",
    },
    Sign {
        texts: &["/home", "/root", "/run/user"],
        causes: &["ProtectHome", "InaccessiblePaths"],
        declare: "needs = [\"home\"] to read all of it, or read = [\"/home/…\"] for one path",
    },
    Sign {
        texts: &["Address family not supported", "EAFNOSUPPORT", "os error 97"],
        causes: &["RestrictAddressFamilies"],
        declare: "listen or connect for the network, needs = [\"unix-sockets\"], [\"netlink\"] or [\"dns\"] for the others",
    },
    Sign {
        texts: &["of the signal to end"],
        causes: &["PrivatePIDs"],
        declare: "needs = [\"default-signals\"], unless it can handle SIGTERM itself",
    },
    Sign {
        texts: &["Read-only file system", "EROFS", "os error 30"],
        causes: &["ProtectSystem", "ReadOnlyPaths", "ProtectKernelTunables", "ProtectControlGroups"],
        declare: "state = true (or cache, logs, runtime) for a directory of its own, or write = [\"/path\"]",
    },
    Sign {
        texts: &["status=31/SYS", "SIGSYS", "Bad system call"],
        causes: &["SystemCallFilter", "SystemCallArchitectures"],
        declare: "the need that names what it does; `cargo sandbox-unit explain needs` lists them",
    },
    Sign {
        texts: &["/proc/meminfo", "/proc/cpuinfo", "/proc/sys", "/proc/stat", "/proc/net"],
        causes: &["ProcSubset", "ProtectKernelTunables"],
        declare: "needs = [\"system-info\"]",
    },
    Sign { texts: &["/dev/"], causes: &["PrivateDevices", "DevicePolicy"], declare: "devices = [\"/dev/…\"]" },
    Sign {
        texts: &["executable memory", "mprotect", "PROT_EXEC"],
        causes: &["MemoryDenyWriteExecute"],
        declare: "needs = [\"jit\"]",
    },
    Sign { texts: &["/tmp"], causes: &["PrivateTmp"], declare: "needs = [\"shared-tmp\"]" },
    Sign {
        texts: &["Network is unreachable", "ENETUNREACH", "os error 101"],
        causes: &["PrivateNetwork", "IPAddressDeny"],
        declare: "connect = \"any\", \"loopback\" or a list of networks",
    },
    Sign {
        texts: &["namespace", "unshare", "clone"],
        causes: &["RestrictNamespaces", "SystemCallFilter"],
        declare: "needs = [\"namespaces\"]",
    },
];

/// Signs that tell only that something was denied. They count where a text has none of the others.
static GENERAL: &[Sign] = &[
    Sign {
        texts: &["Permission denied", "EACCES", "os error 13"],
        causes: &["NoExecPaths", "InaccessiblePaths", "SocketBindDeny", "CapabilityBoundingSet", "DynamicUser", "User"],
        declare: "exec = [\"/path\"] or needs = [\"subprocesses\"] to run programs, read or write for files, listen for ports",
    },
    Sign {
        texts: &["Operation not permitted", "EPERM", "os error 1)"],
        causes: &[
            "SystemCallFilter",
            "CapabilityBoundingSet",
            "RestrictNamespaces",
            "RestrictRealtime",
            "IPAddressDeny",
            "LockPersonality",
        ],
        declare: "the need that names what it does; `cargo sandbox-unit explain needs` lists them",
    },
    Sign {
        texts: &["No such file or directory", "ENOENT", "os error 2)"],
        causes: &["ProtectHome", "InaccessiblePaths", "ProcSubset", "ProtectProc", "PrivateTmp", "PrivateDevices"],
        declare: "read = [\"/path\"] for what it must see",
    },
];

/// A signal that ended a service, and what it tells.
struct Ending {
    number: i32,
    name: &'static str,
    /// The directives that are able to cause it, most likely first.
    causes: &'static [&'static str],
    /// How they do.
    how: &'static str,
}

/// Every signal that a sandbox can be the cause of.
static ENDINGS: &[Ending] = &[
    Ending {
        number: 31,
        name: "SIGSYS",
        causes: &["SystemCallFilter", "SystemCallArchitectures"],
        how: "it is what a refused system call ends in",
    },
    Ending {
        number: 6,
        name: "SIGABRT",
        causes: &["SystemCallFilter"],
        how: "a program ends like that which is refused a system call that it cannot do without",
    },
    Ending {
        number: 11,
        name: "SIGSEGV",
        causes: &["MemoryDenyWriteExecute"],
        how: "a program ends like that which writes code into memory and cannot execute it",
    },
    Ending { number: 9, name: "SIGKILL", causes: &["MemoryMax", "LimitCPU"], how: "it is what exceeding it ends in" },
];

/// Places that a directive sets up without naming them in its value.
const PLACES: &[(&str, &str)] = &[
    ("/sys/fs/bpf", "PrivateBPF"),
    ("/tmp", "PrivateTmp"),
    ("/var/tmp", "PrivateTmp"),
    ("/dev", "PrivateDevices"),
    ("/proc", "ProtectProc"),
    ("/sys/fs/cgroup", "ProtectControlGroups"),
];

/// Words with which a program tells that something was denied.
const DENIALS: &[&str] = &[
    "EPERM",
    "EACCES",
    "EROFS",
    "EAFNOSUPPORT",
    "Permission denied",
    "Operation not permitted",
    "Read-only file system",
    "Address family not supported",
    "Bad system call",
    "SIGSYS",
    "status=31/SYS",
    "os error 1)",
    "os error 13)",
    "os error 30)",
    "os error 97)",
];

/// How many denials are told.
const TOLD: usize = 50;

/// The journal lines that tell of a denial; of more than [`TOLD`], how many more there are in what was read of the journal.
pub fn denials(journal: &[JournalEntry]) -> Vec<String> {
    let denied = |entry: &&JournalEntry| DENIALS.iter().any(|word| entry.message.contains(word));
    let mut lines: Vec<String> =
        journal.iter().filter(denied).map(|entry| shortened(&entry.message, LINE).into_owned()).collect();
    let more = lines.len().saturating_sub(TOLD);
    if more > 0 {
        lines.truncate(TOLD);
        lines.push(format!("… and {more} more like these …"));
    }
    lines
}

/// What systemd says of a unit, as `systemctl show` properties.
pub type Properties = BTreeMap<String, String>;

/// The properties that an explanation reads.
pub const PROPERTIES: &[&str] =
    &["ActiveState", "SubState", "Result", "ExecMainCode", "ExecMainStatus", "NRestarts", "LoadState", "LoadError"];

/// How much of the end of the journal is shown.
const TAIL: usize = 10;

/// How much of a line of the journal is shown, in characters.
const LINE: usize = 300;

/// The signal that ended the unit's process, if one did.
pub fn ended_by_signal(properties: &Properties) -> Option<i32> {
    let number = |name: &str| properties.get(name).and_then(|value| value.parse::<i32>().ok());
    // CLD_KILLED and CLD_DUMPED of wait(2).
    match (number("ExecMainCode"), number("ExecMainStatus")) {
        (Some(2 | 3), Some(signal)) => Some(signal),
        _ => None,
    }
}

/// How the unit's process ended: `ExecMainCode` and `ExecMainStatus`. A service that has been started again since has none,
/// and then it stands in the journal, where systemd tells them: "Main process exited, code=killed, status=6/ABRT".
fn ending<'a>(properties: &'a Properties, journal: &'a [JournalEntry]) -> (&'a str, i32) {
    const CODES: [(&str, &str); 3] = [("exited", "1"), ("killed", "2"), ("dumped", "3")];
    let property = |name: &str| properties.get(name).map(String::as_str).unwrap_or_default();
    let told = |message: &'a str| {
        let (code, status) = message.split_once(" process exited, code=")?.1.split_once(", status=")?;
        let code = CODES.iter().find(|(name, _)| *name == code)?.1;
        Some((code, status.split('/').next()?.parse().ok()?))
    };
    match property("ExecMainCode") {
        "" | "0" if property("ActiveState") == "activating" => {
            journal.iter().rev().find_map(|entry| told(&entry.message)).unwrap_or_default()
        }
        code => (code, property("ExecMainStatus").parse().unwrap_or_default()),
    }
}

/// What systemd could not set up, as its own message names it: "Failed to set up mount namespacing: /path: error".
fn named_path(message: &str) -> Option<&str> {
    let rest = message.split_once("mount namespacing: ")?.1;
    let path = rest.split(": ").next()?;
    // Before 254 the path is that in the root being built.
    let path = path.strip_prefix("/run/systemd/unit-root").unwrap_or(path);
    path.starts_with('/').then_some(path)
}

/// Why a service did not start, or a check of it failed: sentences, the most telling first.
pub fn explain(
    properties: &Properties,
    journal: &[JournalEntry],
    failed: &[String],
    settings: &[Setting],
) -> Vec<String> {
    let property = |name: &str| properties.get(name).map(String::as_str).unwrap_or_default();
    let mut sentences = Vec::new();
    let mut causes: Vec<(&str, String)> = Vec::new();
    let load = property("LoadState");
    if !load.is_empty() && load != "loaded" {
        sentences.push(format!("systemd does not load the unit ({load}): {}", property("LoadError")));
    }
    let (code, status) = ending(properties, journal);
    for path in journal.iter().filter_map(|entry| named_path(&entry.message)) {
        let names =
            |setting: &&Setting| words(&setting.value).iter().any(|word| word.trim_start_matches(['-', '+']) == path);
        let naming = settings.iter().filter(names).filter_map(|setting| directive::find(&setting.directive));
        causes.extend(naming.map(|known| (known.name, format!("{path} cannot be set up as it says"))));
        let of_its_own = PLACES.iter().filter(|(place, _)| *place == path);
        causes.extend(of_its_own.map(|(_, directive)| (*directive, format!("{path} cannot be set up"))));
    }
    // ExecMainCode 1 is an exit, 2 and 3 are signals (CLD_EXITED, CLD_KILLED, CLD_DUMPED in wait(2)).
    match (code, property("Result")) {
        ("1", _) if exit_status::find(status).is_some() => {
            if let Some(known) = exit_status::find(status) {
                sentences.push(format!(
                    "systemd could not set the process up: status {status}/{}, {}",
                    known.name, known.meaning
                ));
                causes.extend(known.causes.iter().map(|cause| (*cause, format!("it can end in {}", known.name))));
            }
        }
        ("1", _) if status != 0 => sentences.push(format!("the program itself gave up with exit status {status}")),
        ("2" | "3", _) => {
            let known = ENDINGS.iter().find(|ending| ending.number == status);
            let name = known.map(|ending| format!(", {}", ending.name)).unwrap_or_default();
            sentences.push(format!("the program was ended by signal {status}{name}"));
            causes.extend(
                known.into_iter().flat_map(|ending| ending.causes.iter().map(|cause| (*cause, ending.how.to_owned()))),
            );
        }
        (_, "timeout") => sentences.push("the service did not report in time that it is up".into()),
        (_, "start-limit-hit") => sentences.push("the service failed too often in a row".into()),
        _ => {}
    }
    let texts: Vec<&str> =
        journal.iter().map(|entry| entry.message.as_str()).chain(failed.iter().map(String::as_str)).collect();
    for text in texts {
        if !DENIALS
            .iter()
            .chain(&["No such file", "unreachable", "memory", "signal to end"])
            .any(|word| text.contains(word))
        {
            continue;
        }
        let shown = |sign: &&Sign| sign.texts.iter().any(|sought| text.contains(sought));
        let general = if SIGNS.iter().any(|sign| shown(&sign)) { &[] } else { GENERAL };
        for sign in SIGNS.iter().chain(general).filter(shown) {
            let why = format!("\"{}\"; if the service needs it: {}", shortened(text, LINE), sign.declare);
            causes.extend(sign.causes.iter().map(|cause| (*cause, why.clone())));
        }
    }
    sentences.extend(suspicions(causes, settings));
    let tail = journal.len().saturating_sub(TAIL);
    sentences.extend(journal[tail..].iter().map(|entry| format!("journal: {}", shortened(&entry.message, LINE))));
    sentences
}

/// Those of the causes that the unit has: one sentence a reason, each directive once.
fn suspicions(causes: Vec<(&str, String)>, settings: &[Setting]) -> Vec<String> {
    let mut named: Vec<&str> = Vec::new();
    let mut suspected: Vec<(String, Vec<String>)> = Vec::new();
    for (directive, why) in causes {
        let Some(setting) = settings.iter().rev().find(|setting| setting.directive == directive) else { continue };
        if named.contains(&directive) {
            continue;
        }
        named.push(directive);
        let told = format!("{directive}={}", shortened(&setting.value, VALUE));
        match suspected.iter_mut().find(|(known, _)| *known == why) {
            Some((_, others)) => others.push(told),
            None => suspected.push((why, vec![told])),
        }
    }
    let sentence = |(why, told): (String, Vec<String>)| match told.as_slice() {
        [first, others @ ..] if !others.is_empty() => {
            format!("{first} may be the cause, or {}: {why}", others.join(", "))
        }
        told => format!("{} may be the cause: {why}", told.join(", ")),
    };
    suspected.into_iter().map(sentence).collect()
}

/// How much of the value of a setting is shown, in characters.
const VALUE: usize = 40;

/// A text of which the beginning says enough.
fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", text[..end].trim_end())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(message: &str) -> JournalEntry {
        JournalEntry { time: 0, priority: 6, message: message.into(), identifier: None, pid: None, invocation: None }
    }

    #[test]
    fn an_exit_status_of_the_manager_is_named_with_what_the_unit_has_of_its_causes() {
        let properties: Properties = [("ExecMainCode", "1"), ("ExecMainStatus", "203"), ("LoadState", "loaded")]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
        let settings = [Setting::plain("NoExecPaths", "/"), Setting::plain("LockPersonality", "yes")];
        let said = explain(&properties, &[], &[], &settings);
        assert!(said[0].contains("203/EXEC"), "{said:?}");
        assert!(said[1].starts_with("NoExecPaths=/ may be the cause"), "{said:?}");
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn of_many_denials_some_are_told_and_the_others_counted() {
        let many: Vec<JournalEntry> =
            (0..70).map(|number| entry(&format!("{number}: Permission denied {}", "x".repeat(4000)))).collect();
        let told = denials(&many);
        assert_eq!((told.len(), told[50].as_str()), (51, "… and 20 more like these …"));
        assert!(told[0].starts_with("0: Permission denied") && told[0].chars().count() == LINE + 1);
        assert_eq!(denials(&many[..50]).len(), 50);
    }

    #[test]
    fn a_denial_in_the_journal_leads_to_the_directive_and_the_declaration() {
        let journal = [entry("cannot read /home/data: No such file or directory (os error 2)")];
        let said = explain(&Properties::new(), &journal, &[], &[Setting::plain("ProtectHome", "yes")]);
        assert!(said[0].contains("ProtectHome=yes") && said[0].contains("needs = [\"home\"]"), "{said:?}");
    }

    #[test]
    fn what_has_the_same_reason_is_told_in_one_sentence() {
        let journal = [entry("cannot listen on [::]:80: Permission denied (os error 13)")];
        let settings = [
            Setting::plain("NoExecPaths", "/"),
            Setting::plain("CapabilityBoundingSet", ""),
            Setting::plain("SocketBindDeny", "any"),
        ];
        let said = explain(&Properties::new(), &journal, &[], &settings);
        assert!(
            said[0].starts_with("SocketBindDeny=any may be the cause, or CapabilityBoundingSet=: \"cannot listen")
                && said[0].contains("listen = [\"tcp:PORT\"]"),
            "{said:?}"
        );
        assert_eq!(said.len(), 2, "what programs it runs has nothing to do with it: {said:?}");
    }

    #[test]
    fn a_signal_is_named_with_what_can_cause_it() {
        let properties: Properties =
            [("ExecMainCode", "3"), ("ExecMainStatus", "6")].map(|(k, v)| (k.into(), v.into())).into();
        let filter = format!("@system-service {}", "~@privileged ".repeat(10));
        let said = explain(&properties, &[], &[], &[Setting::plain("SystemCallFilter", &filter)]);
        assert_eq!(said[0], "the program was ended by signal 6, SIGABRT");
        assert!(said[1].starts_with("SystemCallFilter=@system-service ~@privileged ~@privilege… may be"), "{said:?}");
    }

    #[test]
    fn a_service_that_is_being_started_again_is_explained_by_how_it_ended_before() {
        let properties: Properties =
            [("ActiveState", "activating"), ("ExecMainCode", "0")].map(|(k, v)| (k.into(), v.into())).into();
        let journal = [
            entry("x.service: Main process exited, code=exited, status=203/EXEC"),
            entry("x.service: Main process exited, code=dumped, status=31/SYS"),
            entry("Starting x.service..."),
        ];
        let said = explain(&properties, &journal, &[], &[]);
        assert_eq!(said[0], "the program was ended by signal 31, SIGSYS");
    }

    #[test]
    fn the_path_that_systemd_names_leads_to_the_setting_that_has_it() {
        let properties: Properties =
            [("ExecMainCode", "1"), ("ExecMainStatus", "226")].map(|(k, v)| (k.into(), v.into())).into();
        let journal = [entry(
            "x.service: Failed to set up mount namespacing: /run/systemd/unit-root/srv/gone: No such file or directory",
        )];
        let settings = [Setting::plain("InaccessiblePaths", "-/boot"), Setting::plain("ReadWritePaths", "/srv/gone")];
        let said = explain(&properties, &journal, &[], &settings);
        assert!(
            said[0].contains("226/NAMESPACE") && said[1].starts_with("ReadWritePaths=/srv/gone may be"),
            "{said:?}"
        );
        let journal = [entry("x.service: Failed to set up mount namespacing: /sys/fs/bpf: Broken pipe")];
        let said = explain(&properties, &journal, &[], &[Setting::plain("PrivateBPF", "yes")]);
        assert!(said[1].starts_with("PrivateBPF=yes may be"), "{said:?}");
    }

    #[test]
    fn only_lines_that_tell_of_a_denial_are_kept() {
        let journal = [entry("listening on [::]:80"), entry("open: Permission denied (os error 13)")];
        assert_eq!(denials(&journal), ["open: Permission denied (os error 13)"]);
    }
}
