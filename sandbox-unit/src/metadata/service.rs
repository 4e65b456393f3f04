//! One `service.NAME` table, with the defaults filled in.

use super::layer::Layer;
use super::problem::{Located, Place, Problem, nearest};
use super::raw::Raw;
use super::reader::{Reader, Value};
use super::{Manifest, key, name, network, path, time, verify};
use crate::directive::{self, Section};
use crate::spec::{Capability, Directories, Listen, Package, Peers, Profile, ServiceType, Spec, Timer, User};
use crate::version::SystemdVersion;

/// A spec, and where the parts of it stand that must agree with others.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) spec: Spec,
    pub(super) kind: Option<Place<'a>>,
    pub(super) user: Option<Place<'a>>,
    /// `clients` of this very table.
    pub(super) clients: Option<Place<'a>>,
    pub(super) socket: Option<Place<'a>>,
    /// Whether there are listeners, right or wrong.
    pub(super) listens: bool,
    /// One for each of `spec.listen`.
    pub(super) listen: Vec<Place<'a>>,
    /// The directories that hold the service's own files, each with the key it is from.
    pub(super) directories: Vec<(&'static str, Located<'a, String>)>,
    pub(super) raw: Vec<Raw<'a>>,
}

/// What to say to those who write a key of a service one level too high.
pub(super) fn belongs_here(word: &str) -> Option<String> {
    let table = "[package.metadata.sandbox-unit.service.NAME]";
    let of_one = key::SERVICE.key(word).is_some() && key::FOR_ALL.key(word).is_none();
    of_one.then(|| format!("`{word}` belongs to one service: {table}"))
}

/// Reads the service of this name; what is wrong is reported and replaced by its default.
pub(super) fn read<'a>(
    name: &Located<'a, &str>,
    reader: &Reader<'a>,
    common: &Layer<'a>,
    manifest: &Manifest,
) -> Draft<'a> {
    if let Err(problem) = name::unit(name.value) {
        name.place.error(problem);
    }
    let own = Layer::of_service(reader);
    let clients = own.clients.as_ref().map(|clients| clients.place.clone());
    let layer = own.over(common);
    let needs = layer.needs.unwrap_or_default();

    let bin = reader.get("bin");
    let bin_word = bin.as_ref().map(|bin| (bin.line(), &bin.place));
    let timer = timer(reader);
    let service_type = reader.parse("type", name::choice("service type", &ServiceType::ALL));
    let socket = reader.get("socket");
    let has_socket = socket.as_ref().and_then(Value::boolean);
    let (listens, listen) = listen(reader);
    let (listen, listen_places): (Vec<_>, Vec<_>) = listen.into_iter().map(|entry| (entry.value, entry.place)).unzip();
    let mut directories = Vec::new();
    let mut directory = |key| {
        let found = directories_of(reader, key, name.value);
        let names = found.iter().map(|directory| directory.value.clone()).collect();
        directories.extend(found.into_iter().map(|directory| (key, directory)));
        names
    };
    let directories_spec = Directories {
        state: directory("state"),
        cache: directory("cache"),
        logs: directory("logs"),
        runtime: directory("runtime"),
        config: directory("config"),
    };
    let may_have_socket = socket.is_some() && has_socket != Some(false);
    let raw = raw_of(layer.raw, may_have_socket, timer.is_some());

    let spec = Spec {
        name: name.value.to_owned(),
        package: one_line(&manifest.package),
        bin: binary(name, bin_word, &manifest.binaries),
        program: None,
        args: reader.parse_list("args", path::argument),
        profile: layer.profile.unwrap_or(Profile::Strict),
        systemd: layer.systemd.unwrap_or(SystemdVersion::DEFAULT),
        service_type: service_type.as_ref().map_or(default_type(timer.is_some()), |kind| kind.value),
        user: match &layer.user {
            Some(user) => user.value.clone(),
            None => default_user(name, needs.iter().find(|need| need.lifts("DynamicUser")).map(|need| need.name())),
        },
        socket: has_socket == Some(true),
        clients: clients_of(&listen, layer.clients.map(|clients| clients.value)),
        connect: layer.connect.unwrap_or(Peers::None),
        listen,
        directories: directories_spec,
        read: reader.parse_list("read", path::absolute),
        write: reader.parse_list("write", path::absolute),
        exec: reader.parse_list("exec", path::absolute),
        devices: reader.parse_list("devices", path::device),
        needs,
        capabilities: capabilities(reader),
        credentials: reader.parse_list("credentials", name::credential),
        timer,
        raw: raw.iter().map(|raw| raw.setting.clone()).collect(),
        verify: reader.get("verify").and_then(|value| verify::read(&value)).unwrap_or_default(),
    };
    reader.finish(elsewhere);
    Draft {
        spec,
        kind: service_type.map(|kind| kind.place),
        user: layer.user.map(|user| user.place),
        clients,
        socket: socket.filter(|_| has_socket == Some(true)).map(|socket| socket.place),
        listens,
        listen: listen_places,
        directories,
        raw,
    }
}

/// Where keys belong that are no keys of a service.
fn elsewhere(key: &str) -> Option<String> {
    match key {
        "profile" | "systemd" => Some(format!("`{key}` holds for all services: [package.metadata.sandbox-unit]")),
        "ready" | "works" | "forbid" => Some(format!("it belongs to `verify`: verify.{key}")),
        section if Section::named(section).is_some() => Some(format!("write unit.{section}")),
        directive if directive::find(directive).is_some() => Some(format!("write unit.Service.{directive}")),
        _ => None,
    }
}

/// The binary of the service: the one that is named, or else the one of the same name, or else the only one.
fn binary(name: &Located<&str>, named: Option<(Option<&str>, &Place)>, binaries: &[String]) -> String {
    let known = |word: &str| binaries.iter().any(|binary| binary == word);
    let list = binaries.join(", ");
    match (named, binaries) {
        // That there is none at all is said elsewhere, once.
        (_, []) | (Some((None, _)), _) => {}
        (Some((Some(word), _)), _) if known(word) => return word.to_owned(),
        (Some((Some(word), place)), _) => {
            let help = match nearest(word, binaries.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`? The binaries are: {list}"),
                None => format!("the binaries are: {list}"),
            };
            let problem =
                Problem::new(format!("this package has no binary `{}`", word.escape_debug()), "no such binary");
            place.error(problem.help(help));
        }
        (None, _) if known(name.value) => return name.value.to_owned(),
        (None, [only]) => return only.clone(),
        // That the name is none is said already.
        (None, _) if name::unit(name.value).is_err() => {}
        (None, _) => {
            let message = format!("which binary does service `{}` run?", name.value.escape_debug());
            let help = format!("set `bin` to one of: {list}");
            name.place.error(Problem::new(message, "no binary has this name, and there are several").help(help));
        }
    }
    name.value.to_owned()
}

fn default_type(timer: bool) -> ServiceType {
    if timer { ServiceType::Oneshot } else { ServiceType::Exec }
}

/// A user that lasts if a need cannot do with one that does not.
fn default_user(name: &Located<&str>, lasting: Option<&str>) -> User {
    let Some(need) = lasting else { return User::Dynamic };
    if name::is_user_name(name.value) {
        return User::Static(name.value.to_owned());
    }
    if name::unit(name.value).is_ok() {
        let message = format!("the need `{need}` needs a user that lasts, and `{}` cannot be its name", name.value);
        let help = format!("name one: user = \"{}\"", name::user_name_like(name.value));
        name.place.error(Problem::new(message, "not a valid user name").help(help));
    }
    User::Dynamic
}

/// Whether there are listeners at all, and those that are right.
fn listen<'a>(reader: &Reader<'a>) -> (bool, Vec<Located<'a, Listen>>) {
    let Some(value) = reader.get("listen") else {
        return (false, Vec::new());
    };
    let Some(entries) = value.list() else {
        return (true, Vec::new());
    };
    let listens = !entries.is_empty();
    let right = |entry: Value<'a>| Some(Located { value: entry.parse(network::listen)?, place: entry.place });
    (listens, entries.into_iter().filter_map(right).collect())
}

/// Who may talk to a service that listens there. Without a port there is nobody to be let in or kept out.
fn clients_of(listen: &[Listen], declared: Option<Peers>) -> Peers {
    match Peers::usual_of(listen) {
        Peers::None => Peers::None,
        usual => declared.unwrap_or(usual),
    }
}

/// `true` for a directory of the unit's name, a name, or a list of names.
fn directories_of<'a>(reader: &Reader<'a>, key: &'static str, unit: &str) -> Vec<Located<'a, String>> {
    let Some(value) = reader.get(key) else {
        return Vec::new();
    };
    if value.is_list() {
        return value.parse_list(path::below).unwrap_or_default();
    }
    let place = value.place.clone();
    let name = match value.as_boolean() {
        Some(false) => None,
        Some(true) => path::below(unit).map_err(|problem| place.error(problem)).ok(),
        None if value.is_string() => value.parse(path::below),
        None => {
            value.wrong_type("true, a name or a list of names", None);
            None
        }
    };
    name.map(|name| Located { value: name, place }).into_iter().collect()
}

/// The timer, if there is to be one; what it says is anything if that is wrong.
fn timer(reader: &Reader) -> Option<Timer> {
    let value = reader.get("timer")?;
    let read = || {
        if value.is_string() {
            let is_span = value.string().is_some_and(|text| time::span(text).is_ok());
            let key = if is_span { "every" } else { "on_calendar" };
            value.wrong_type("a table", Some(format!("write {{ {key} = {} }}", value.written())));
            return None;
        }
        let table = value.table("`timer`")?;
        let kind = table.one_of(&["on_calendar", "every"], &[]);
        table.finish(|_| None);
        match kind? {
            ("on_calendar", value) => value.parse(time::calendar).map(Timer::OnCalendar),
            (_, value) => {
                value.parse(time::span).map(|_| Timer::Every(value.string().unwrap_or_default().trim().to_owned()))
            }
        }
    };
    Some(read().unwrap_or_else(|| Timer::Every(String::new())))
}

fn capabilities(reader: &Reader) -> Vec<Capability> {
    let entries = reader.get("capabilities").and_then(|value| value.list()).unwrap_or_default();
    let mut found: Vec<Capability> = Vec::new();
    for entry in entries {
        if entry.is_string() {
            let form = format!("write {{ name = {}, reason = \"why nothing less does\" }}", entry.written());
            entry.wrong_type("a table with a reason", Some(form));
            continue;
        }
        let Some(table) = entry.table("an entry of `capabilities`") else {
            continue;
        };
        let name = table.required("name", &["reason"]);
        let reason = table.required("reason", &["name"]).and_then(|value| value.parse(reason));
        table.finish(|_| None);
        let Some(name) = name else { continue };
        let Some(word) = name.parse(name::capability) else {
            continue;
        };
        if found.iter().any(|capability| capability.name == word) {
            name.place.error(Problem::new(format!("`{word}` stands twice in `capabilities`"), "the second time"));
        }
        found.push(Capability { name: word, reason: reason.unwrap_or_default() });
    }
    found
}

fn reason(text: &str) -> Result<String, Problem> {
    if text.trim().is_empty() {
        let help = "say what the service does with it that no need covers; every report shows this sentence";
        return Err(Problem::new("a capability needs a reason", "empty").help(help));
    }
    Ok(text.trim().to_owned())
}

/// The directives for the units that there are: what holds for all services may be about a unit that this one lacks.
fn raw_of<'a>(raw: Vec<Raw<'a>>, socket: bool, timer: bool) -> Vec<Raw<'a>> {
    let goes_nowhere = |raw: &Raw| match raw.section {
        Section::Socket if !socket => Some(("socket", "socket = true")),
        Section::Timer if !timer => Some(("timer", "timer = { on_calendar = \"daily\" }")),
        _ => None,
    };
    let keep = |raw: &Raw| {
        let Some((missing, how)) = goes_nowhere(raw) else {
            return true;
        };
        if !raw.inherited {
            let message = format!("`{}` is for a {missing} unit, and there is none", raw.setting.directive);
            raw.key.error(Problem::new(message, "would go nowhere").help(format!("set {how}, or leave this out")));
        }
        false
    };
    raw.into_iter().filter(keep).collect()
}

/// What enters the unit from the package's own keys: those may be longer than a line.
fn one_line(package: &Package) -> Package {
    let fold = |text: &String| {
        let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let some = |text: &Option<String>| text.as_ref().map(fold).filter(|text| !text.is_empty());
    Package {
        name: fold(&package.name),
        version: fold(&package.version),
        description: some(&package.description),
        documentation: some(&package.documentation),
    }
}
