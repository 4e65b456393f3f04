//! The `unit` table.

use super::{declared, refused};
use crate::spec::RawSetting;

#[test]
fn directives_by_hand() {
    let spec = declared(
        "unit.Service.TasksMax = 6_4\nunit.Service.A = true\nunit.Service.B = false\nunit.Service.C = \"\"\n\
         unit.Service.D = [\"x\", \"y\"]\nunit.Unit.X-Mine = \"x\"\nunit.Service.E = []",
    );
    let raw: Vec<_> = spec
        .raw
        .iter()
        .map(|RawSetting { section, directive, values }| format!("{section}.{directive}={values:?}"))
        .collect();
    let expected = [
        "Unit.X-Mine=[\"x\"]",
        "Service.TasksMax=[\"64\"]",
        "Service.A=[\"yes\"]",
        "Service.B=[\"no\"]",
        "Service.C=[\"\"]",
        "Service.D=[\"x\", \"y\"]",
        "Service.E=[]",
    ];
    assert_eq!(raw, expected);
    let cases = [
        ("unit = 1", "2:8 1: `unit` must be a table, not an integer"),
        ("unit.Service = 1", "2:16 1: `Service` must be a table, not an integer"),
        (
            "unit.Srvice.X = 1",
            "2:6 Srvice: unknown section `Srvice`; did you mean `Service`? One of: Unit, Service, Socket, Timer, Install",
        ),
        (
            "unit.MemoryMax = 1",
            "2:6 MemoryMax: `MemoryMax` is a directive, not a section; write unit.Service.MemoryMax",
        ),
        ("unit.Unit.MemoryMax = 1", "2:11 MemoryMax: [Unit] has no `MemoryMax`; write unit.Service.MemoryMax"),
        ("unit.Service.\"A B\" = 1", "2:14 \"A B\": `A B` cannot be the name of a directive"),
        ("unit.Service.\"A\\n[X]\" = 1", "2:14 \"A\\n[X]\": `A\\n[X]` cannot be the name of a directive"),
        (
            "unit.Service.X = 1.5",
            "2:18 1.5: `X` must be a string, true, false, an integer or a list of strings, not a float",
        ),
        ("unit.Service.X = [1]", "2:19 1: each entry of `X` must be a string, not an integer; put it in quotes: \"1\""),
        ("unit.Service.X = \"a\\\\\"", "2:18 \"a\\\\\": this value ends in a backslash; write two backslashes for one"),
        (
            "unit.Service.UMask = 0o077",
            "2:22 0o077: only decimal integers can go into a unit file; \
             write in quotes what systemd is to read, as in \"0077\"",
        ),
        (
            "unit.Service.ExecStart = \"x\"",
            "2:14 ExecStart: `ExecStart` cannot be set by hand; say it with `bin` and `args`",
        ),
        (
            "unit.Service.DynamicUser = true",
            "2:14 DynamicUser: `DynamicUser` cannot be set by hand; say it with `user`",
        ),
        ("unit.Service.Type = \"dbus\"", "2:14 Type: `Type` cannot be set by hand; say it with `type`"),
        (
            "unit.Service.StateDirectory = \"x\"",
            "2:14 StateDirectory: `StateDirectory` cannot be set by hand; say it with `state`",
        ),
        (
            "unit.Service.ProtectSytem = \"x\"",
            "warning 2:14 ProtectSytem: `ProtectSytem` is not a directive known here; did you mean `ProtectSystem`?",
        ),
        (
            "unit.Service.protecthome = true",
            "warning 2:14 protecthome: `protecthome` is not a directive known here; did you mean `ProtectHome`?",
        ),
    ];
    for (body, expected) in cases {
        refused(body, &[expected]);
    }
}

#[test]
fn directives_that_the_catalogue_lacks_pass_silently() {
    for name in [
        "Restart",
        "RestartSec",
        "MemoryMin",
        "MemoryLow",
        "MemorySwapMax",
        "CPUWeight",
        "IOWeight",
        "ExecStartPre",
        "Environment",
        "EnvironmentFile",
        "WorkingDirectory",
        "TimeoutStartSec",
        "TimeoutStopSec",
        "WatchdogSec",
        "Nice",
        "Slice",
        "OOMPolicy",
        "StandardOutput",
        "SyslogIdentifier",
        "KillMode",
        "LimitNPROC",
        "LimitAS",
        "RuntimeMaxSec",
        "CPUAffinity",
    ] {
        assert_eq!(declared(&format!("unit.Service.{name} = \"1\"")).raw[0].directive, name);
    }
}
