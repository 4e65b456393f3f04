//! The tables themselves.

use super::form::{
    ADDRESS_PORT, CALENDAR, CREDENTIAL, DEVICE, HOST_PORT, HTTP, LINE, LISTEN, LITERAL_PATH, NOT_BLANK, PATH, SOCKET,
    SPAN, TEXT, USER,
};
use super::{Choice, Key, Table, Values};
use crate::capability::CAPABILITIES;
use crate::need::NEEDS;
use crate::spec::{Profile, ServiceType};
use crate::version::SystemdVersion;
use Values::{
    Boolean, Command, Directives, Directories, Integer, Named, Pairs, Peers, Tables, Text, Texts, Word, Words,
};

/// Every table.
pub static TABLES: &[&Table] = &[&FOR_ALL, &SERVICE, &TIMER, &CAPABILITY, &VERIFY, &READY, &CHECK, &FORBID];

const fn key(name: &'static str, values: Values, example: &'static str, says: &'static str) -> Key {
    Key { name, says, default: "", example, values, beside: &[] }
}

impl Key {
    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn beside(self, beside: &'static [&'static str]) -> Self {
        Self { beside, ..self }
    }
}

impl Table {
    const fn of(path: &'static str, says: &'static str, keys: &'static [Key]) -> Self {
        Self { path, says, keys, one_of: &[], required: &[] }
    }
}

fn profiles() -> Vec<Choice> {
    let means = |profile| match profile {
        Profile::Strict => "every protection that no need opens",
        Profile::Guide => "the set of the well-known hardening guides",
        Profile::None => "no protection but those that are written by hand",
    };
    Profile::ALL.into_iter().map(|(word, profile)| Choice { word, means: means(profile) }).collect()
}

fn service_types() -> Vec<Choice> {
    let means = |kind| match kind {
        ServiceType::Simple => "started as soon as the process is there",
        ServiceType::Exec => "started when the program has been executed",
        ServiceType::Notify => "started when it says so, with sd_notify(3)",
        ServiceType::NotifyReload => {
            "the same, and it is reloaded with SIGHUP and says when that is done (systemd 253)"
        }
        ServiceType::Oneshot => "runs to its end",
    };
    ServiceType::ALL.into_iter().map(|(word, kind)| Choice { word, means: means(kind) }).collect()
}

fn needs() -> Vec<Choice> {
    NEEDS.iter().map(|need| Choice { word: need.name, means: need.does }).collect()
}

fn capabilities() -> Vec<Choice> {
    CAPABILITIES.iter().map(|word| Choice { word, means: "" }).collect()
}

const USER_KEY: Key = key(
    "user",
    Text(&USER),
    "\"dynamic\"",
    "Who the service runs as. A name that is no user yet is emitted for sysusers.d, too",
)
.default("`dynamic`, or a user of the unit's name where a need asks for one that lasts");
const NEEDS_KEY: Key =
    key("needs", Words(needs), "[\"dns\", \"jit\"]", "The exceptions that it needs; `explain needs` lists them")
        .default("none");
const CONNECT_KEY: Key = key(
    "connect",
    Peers { none: true },
    "[\"10.0.0.0/8\"]",
    "Where it may connect to: `none`, `loopback`, `any`, or a list of networks",
)
.default("`none`");
const CLIENTS_KEY: Key = key(
    "clients",
    Peers { none: false },
    "\"loopback\"",
    "Who may talk to its ports: `any`, `loopback`, or a list of networks",
)
.default("`any`; `loopback` where it listens on loopback alone");
const UNIT_KEY: Key = key(
    "unit",
    Directives,
    "{ Service = { MemoryMax = \"512M\" } }",
    "Directives written by hand, a table for each section: `unit.Service.MemoryMax = \"512M\"`. They win over what is emitted; one that contradicts a need is an error",
);

/// `[package.metadata.sandbox-unit]`, and of a workspace the same without `service`.
pub static FOR_ALL: Table = Table::of(
    "",
    "What holds for every service of a package; `[workspace.metadata.sandbox-unit]` for every package of a workspace",
    &[
        key("profile", Word(profiles), "\"strict\"", "Which protections apply unless a need opens them")
            .default("`strict`"),
        key(
            "systemd",
            Integer(SystemdVersion::OLDEST.number() as i64, SystemdVersion::NEWEST.number() as i64),
            "257",
            "The oldest systemd that the units must load on",
        )
        .default("252"),
        USER_KEY,
        NEEDS_KEY,
        CONNECT_KEY,
        CLIENTS_KEY,
        UNIT_KEY,
        key(
            "service",
            Named(&SERVICE),
            "",
            "The services, a table for each unit: `[package.metadata.sandbox-unit.service.NAME]`",
        )
        .default("one for each binary, with every default"),
    ],
);

/// `[package.metadata.sandbox-unit.service.NAME]`.
pub static SERVICE: Table = Table::of(
    "service.NAME",
    "What one service needs",
    &[
        key("bin", Text(&LINE), "\"hello\"", "The binary that it runs")
            .default("the one of the unit's name, or the only one"),
        key(
            "args",
            Texts(&LINE),
            "[\"--config\", \"%E/hello/config.toml\"]",
            "The arguments of the program; systemd's specifiers hold",
        )
        .default("none"),
        key("type", Word(service_types), "\"notify\"", "How systemd tells that it has started")
            .default("`exec`; `oneshot` with a timer"),
        USER_KEY,
        key(
            "listen",
            Texts(&LISTEN),
            "[\"tcp:80\", \"tcp:6000-6010\", \"unix:/run/hello/hello.sock\"]",
            "Where it listens; a port below 1024 brings CAP_NET_BIND_SERVICE and nothing else",
        )
        .default("nowhere"),
        key(
            "socket",
            Boolean,
            "true",
            "Whether systemd opens the sockets and hands them over: the service itself then needs no network for them",
        )
        .default("`false`"),
        CLIENTS_KEY,
        CONNECT_KEY,
        key("state", Directories, "true", "A directory of its own below /var/lib").default("none"),
        key("cache", Directories, "true", "A directory of its own below /var/cache").default("none"),
        key("logs", Directories, "\"hello/audit\"", "A directory of its own below /var/log").default("none"),
        key("runtime", Directories, "true", "A directory of its own below /run, which is gone when it stops")
            .default("none"),
        key("config", Directories, "[\"hello\", \"hello.d\"]", "A directory below /etc, to be read").default("none"),
        key("read", Texts(&PATH), "[\"/srv/www\"]", "Paths that stay readable though the profile would hide them")
            .default("none"),
        key("write", Texts(&PATH), "[\"/srv/upload\"]", "Paths that it may write").default("none"),
        key("exec", Texts(&PATH), "[\"/usr/libexec/hello\"]", "Paths below which it may execute files")
            .default("its own program"),
        key("devices", Texts(&DEVICE), "[\"/dev/ttyUSB0\"]", "Devices that it may use").default("none"),
        NEEDS_KEY,
        key(
            "capabilities",
            Tables(&CAPABILITY),
            "[{ name = \"CAP_NET_ADMIN\", reason = \"sets up its own tunnel\" }]",
            "Capabilities that no need covers, each with its reason: the last resort",
        )
        .default("none"),
        key(
            "credentials",
            Texts(&CREDENTIAL),
            "[\"tls.key\"]",
            "Secrets that systemd hands over, as `LoadCredential=` takes them",
        )
        .default("none"),
        key("timer", Values::Table(&TIMER), "{ on_calendar = \"daily\" }", "When a timer starts it")
            .default("no timer"),
        UNIT_KEY,
        key(
            "verify",
            Values::Table(&VERIFY),
            "{ works = [{ http = \"http://127.0.0.1/\" }] }",
            "How `verify` tells that it works, and what must fail",
        )
        .default("it starts, stays up, and the catalogue fails"),
    ],
);

/// `timer` of a service.
pub static TIMER: Table = Table {
    one_of: &["on_calendar", "every"],
    ..Table::of(
        "service.NAME.timer",
        "When a timer starts the service, which runs to its end",
        &[
            key(
                "on_calendar",
                Text(&CALENDAR),
                "\"Mon..Fri 09:00\"",
                "At these times; one that is missed is made up for",
            ),
            key("every", Text(&SPAN), "\"15min\"", "After the machine has started, and then again and again"),
        ],
    )
};

/// An entry of `capabilities`.
pub static CAPABILITY: Table = Table {
    required: &["name", "reason"],
    ..Table::of(
        "service.NAME.capabilities[]",
        "A capability that stays",
        &[
            key("name", Word(capabilities), "\"CAP_NET_ADMIN\"", "Its name, capabilities(7)"),
            key(
                "reason",
                Text(&NOT_BLANK),
                "\"sets up its own tunnel\"",
                "What the service does with it that no need covers; every report shows this",
            ),
        ],
    )
};

/// `verify` of a service.
pub static VERIFY: Table = Table::of(
    "service.NAME.verify",
    "What `verify` does with the service",
    &[
        key(
            "ready",
            Values::Table(&READY),
            "{ http = \"http://127.0.0.1/healthz\", within = \"10s\" }",
            "What says that it is ready, beyond its type",
        )
        .default("that systemd calls it active, and somebody answers the first of `works`"),
        key(
            "works",
            Tables(&CHECK),
            "[{ http = \"http://127.0.0.1/\", status = 200 }]",
            "What must succeed while it runs, from inside its machine",
        )
        .default("nothing more"),
        key(
            "forbid",
            Tables(&FORBID),
            "[{ write = \"/srv\" }]",
            "What must fail in the sandbox, on top of the catalogue",
        )
        .default("nothing more"),
    ],
);

/// `verify.ready` of a service.
pub static READY: Table = Table {
    one_of: &["http", "tcp", "unix", "log"],
    ..Table::of(
        "service.NAME.verify.ready",
        "A check that is repeated until it succeeds",
        &[
            key("http", Text(&HTTP), "\"http://127.0.0.1/healthz\"", "A GET that answers with a status below 400"),
            key("tcp", Text(&HOST_PORT), "\"127.0.0.1:6379\"", "A connection that is accepted"),
            key("unix", Text(&SOCKET), "\"/run/hello/hello.sock\"", "A connection that is accepted at this path"),
            key(
                "log",
                Text(&NOT_BLANK),
                "\"listening on\"",
                "A line that the service writes to the journal and that holds this text",
            ),
            key("within", Text(&SPAN), "\"10s\"", "How long that may take").default("`10s`"),
        ],
    )
};

/// An entry of `verify.works`.
pub static CHECK: Table = Table {
    one_of: &["http", "tcp", "unix", "run"],
    ..Table::of(
        "service.NAME.verify.works[]",
        "One assertion that the service works",
        &[
            key("http", Text(&HTTP), "\"http://127.0.0.1/\"", "A GET"),
            key("status", Integer(100, 599), "200", "The status that must come back")
                .default("any below 400")
                .beside(&["http"]),
            key(
                "headers",
                Pairs,
                "{ \"content-type\" = \"text/html\" }",
                "Headers that must be there, with a text that the value must hold",
            )
            .beside(&["http"]),
            key("body", Text(&TEXT), "\"hello\"", "A text that the page must hold").beside(&["http"]),
            key("tcp", Text(&HOST_PORT), "\"127.0.0.1:6379\"", "A connection to `HOST:PORT`"),
            key("unix", Text(&SOCKET), "\"/run/hello/hello.sock\"", "A connection to a unix socket"),
            key(
                "run",
                Command,
                "[\"/usr/bin/hello\", \"--self-test\"]",
                "A program, by its absolute path, and its arguments: it must end with 0",
            ),
            key("send", Text(&TEXT), "\"PING\\r\\n\"", "What to send first").beside(&["tcp", "unix"]),
            key("expect", Text(&TEXT), "\"PONG\"", "A text that the answer, or the output, must hold")
                .beside(&["tcp", "unix", "run"]),
        ],
    )
};

/// An entry of `verify.forbid`.
pub static FORBID: Table = Table {
    one_of: &["write", "read", "connect", "exec"],
    ..Table::of(
        "service.NAME.verify.forbid[]",
        "One action that must fail in the sandbox; it must succeed outside, or the result is inconclusive",
        &[
            key("write", Text(&LITERAL_PATH), "\"/srv\"", "Creating a file in this directory"),
            key("read", Text(&LITERAL_PATH), "\"/etc/shadow\"", "Reading this file, or listing this directory"),
            key("connect", Text(&ADDRESS_PORT), "\"192.0.2.1:25\"", "Sending to this address and port"),
            key("exec", Text(&LITERAL_PATH), "\"/bin/sh\"", "Executing this file"),
        ],
    )
};
