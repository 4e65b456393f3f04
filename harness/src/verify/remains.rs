//! What a service leaves in its machine: processes that have got away from systemd, and file systems without room.

use super::VerifyError;
use super::explain::Properties;
use super::subject::Subject;
use crate::machine::Machine;
use crate::report::Work;
use std::time::Duration;

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What of a unit must be known beside how it does: which run of it this is, and when it is up.
pub const PROPERTIES: &[&str] = &["InvocationID", "Type"];

/// How many of what is left are named.
const NAMED: usize = 5;

/// Ends what is left of a service that was stopped: a line a process, with its number, its name and its control group, and
/// then a line a stranger.
///
/// Strangers are the units that run and that nobody has installed: in a machine, only what runs in it can have made them.
/// systemd is asked for as little as tells them, because asking for properties of all units takes long: one of which there is
/// a file where units are installed, and none in /run, is none. (systemd itself is in a scope of which there is no file.)
///
/// What is left is what is in the control group of its unit, in those of strangers or in one that systemd has not made; what
/// runs its program; and what has inherited from it the `INVOCATION_ID=` that systemd gives to each run of a unit
/// (systemd.exec(5)), wherever it has gone.
const END: &str = r#"
unit=$1 program=$2 id=$3
units=$(systemctl list-units --type=service,scope --plain --full --no-legend --no-pager) || exit
strangers=$(printf '%s\n' "$units" | while read -r name _ state _; do
    case $name/$state in init.scope/* | */inactive | */failed | */) continue ;; esac
    file=$name
    case $name in *@*) file=${name%%@*}@.${name##*.} ;; esac
    installed=
    for path in /etc /usr/lib /lib; do [ ! -e "$path/systemd/system/$file" ] || installed=yes; done
    for path in /run/systemd/*/"$name" /run/systemd/*/"$file"; do [ ! -e "$path" ] || installed=; done
    [ -z "$installed" ] || continue
    case $(systemctl show --property=FragmentPath,Transient -- "$name" || echo Transient=yes) in
    *FragmentPath=/run/* | *Transient=yes*) echo "$name" ;;
    esac
done)
set -- $strangers
cd /proc || exit
for process in [0-9]*; do
    group=
    while read -r line; do
        case $line in 0::*) group=${line#0::} ;; esac
    done <"$process/cgroup" || continue
    [ -n "$group" ] || continue
    case $group in
    / | /init.scope | /init.scope/* | /*.slice/*) own= ;;
    *) own=yes ;;
    esac
    for one in "$unit" "$@"; do
        case $group/ in *"/$one/"*) own=yes ;; esac
    done
    [ -n "$own" ] || [ ! "$process/exe" -ef "$program" ] || own=yes
    [ -n "$own" ] || [ -z "$id" ] || ! grep -qsaF "INVOCATION_ID=$id" "$process/environ" || own=yes
    [ -n "$own" ] || continue
    read -r name <"$process/comm"
    kill -KILL "$process" && echo "$process ($name) in $group"
done 2>/dev/null
[ $# = 0 ] && exit
printf '%s\n' "$@"
systemctl stop -- "$@"
exit 0"#;

/// How full the file systems are that services can write to: their sizes in blocks, how many of these are free, their size in
/// bytes, and where they are.
const ROOM: &str = "stat --file-system --format='%b %a %S %n' / /tmp /var/tmp /run /dev/shm 2>/dev/null; exit 0";

/// Whether nothing of a stopped service runs any more. What does is ended: others have the machine after it.
pub fn leaves_nothing(machine: &Machine, subject: &Subject, properties: &Properties) -> Result<Work, VerifyError> {
    // A program that others run, too, says nothing: it can be the shell that looks.
    let program = if subject.program.is_of_the_unit_alone() { subject.executable() } else { String::new() };
    let unit = subject.unit();
    let invocation = properties.get("InvocationID").map(String::as_str).unwrap_or_default();
    let command = ["sh", "-c", END, "sh", &unit, &program, invocation];
    let output = machine.exec(&command, b"", PATIENCE)?.checked("sh")?;
    let text = output.text();
    let left: Vec<&str> = text.lines().collect();
    let more = left.len().saturating_sub(NAMED);
    let mut detail = match left.as_slice() {
        [] => "no process of it is left".to_owned(),
        left => format!("still there when it was stopped: {}", left[..left.len() - more].join(", ")),
    };
    if more > 0 {
        detail.push_str(&format!(", and {more} more"));
    }
    Ok(Work { name: format!("{unit} leaves nothing running"), ok: left.is_empty(), detail })
}

/// The file systems that a running service has filled; `None` where there is room.
pub fn full(machine: &Machine) -> Result<Option<Work>, VerifyError> {
    let output = machine.exec(&["sh", "-c", ROOM], b"", PATIENCE)?.checked("stat")?;
    let text = output.text();
    let full: Vec<String> = text.lines().filter_map(without_room).collect();
    Ok((!full.is_empty()).then(|| Work {
        name: "leaves room on the file systems".into(),
        ok: false,
        detail: format!("{} full: what is written in a machine is bounded", full.join(", ")),
    }))
}

/// Where a file system is of which less than a hundredth is free, and how large it is.
fn without_room(line: &str) -> Option<String> {
    let mut words = line.splitn(4, ' ');
    let mut number = || words.next()?.parse::<u64>().ok();
    let (blocks, free, size) = (number()?, number()?, number()?);
    let place = words.next()?;
    let full = blocks > 0 && free < blocks / 100;
    full.then(|| format!("{place} ({} MiB)", blocks.saturating_mul(size) >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Installation, choose};
    use crate::image::Image;
    use crate::verify::subject::UnitFile;

    #[test]
    fn units_that_nobody_has_installed_are_found_and_stopped() {
        const MAKE: &str = r#"
systemd-run --quiet --unit=made sleep infinity
systemd-run --quiet --scope --unit=around sleep infinity &
for name in written from@; do
    printf '[Service]\nExecStart=sleep infinity\n' >"/run/systemd/system/$name.service"
done
printf '[Service]\nExecStart=sleep infinity\n' >/etc/systemd/system/installed.service
cp /etc/systemd/system/installed.service /etc/systemd/system/both@.service
cp /etc/systemd/system/installed.service /run/systemd/system/both@one.service
systemctl daemon-reload
systemctl start written from@one both@one installed both@two
until systemctl --quiet is-active around.scope; do :; done"#;
        let machine = choose().expect("an engine").boot(&Image::ThisMachine, &Installation::default()).expect("boots");
        let file = UnitFile { path: "one.service".into(), text: "[Service]\nExecStart=/bin/one\n".into() };
        let subject = Subject::of_unit("one.service", vec![file]).expect("a service");
        let look = || leaves_nothing(&machine, &subject, &Properties::new()).expect("looks");
        assert!(look().ok, "{:?}", look());
        machine.exec(&["sh", "-ec", MAKE], b"", PATIENCE).expect("runs").checked("sh").expect("makes them");
        let found = look();
        for stranger in ["around.scope", "both@one.service", "from@one.service", "made.service", "written.service"] {
            assert!(!found.ok && found.detail.contains(&format!("/{stranger}")), "{stranger}: {}", found.detail);
        }
        // Their processes, and then themselves.
        assert!(found.detail.ends_with("and 5 more"), "{}", found.detail);
        assert!(look().ok, "{:?}", look());
        for (unit, state) in
            [("made.service", "failed"), ("installed.service", "active"), ("both@two.service", "active")]
        {
            assert_eq!(machine.show(unit, &["ActiveState"]).expect("answers")["ActiveState"], state, "{unit}");
        }
    }

    #[test]
    fn a_file_system_is_full_when_next_to_nothing_is_free() {
        assert_eq!(without_room("524288 0 4096 /").as_deref(), Some("/ (2048 MiB)"));
        assert_eq!(without_room("524288 5000 4096 /dev/shm").as_deref(), Some("/dev/shm (2048 MiB)"));
        assert_eq!(without_room("524288 6000 4096 /tmp"), None);
        // An interface of the kernel has no size.
        assert_eq!(without_room("0 0 4096 /sys"), None);
        assert_eq!(without_room("nonsense"), None);
    }
}
