//! Devices, the kernel and other processes.

use super::grammar::{
    Choice,
    Grammar::{self, Boolean, Devices, FileName, Hostname, List, Namespaces, Path},
    choice,
};
use super::{Directive, Manual, Mechanism, Scope, Section, Topic, directive};

static DEVICE_POLICY: &[Choice] = &[choice("auto", 0), choice("closed", 0), choice("strict", 0)];
static PROTECT_CONTROL_GROUPS: &[Choice] =
    &[choice("no", 0), choice("private", 257), choice("yes", 0), choice("strict", 257)];
static PROTECT_PROC: &[Choice] =
    &[choice("default", 0), choice("noaccess", 0), choice("invisible", 0), choice("ptraceable", 0)];
static PROC_SUBSET: &[Choice] = &[choice("all", 0), choice("pid", 0)];
static NOTIFY_ACCESS: &[Choice] = &[choice("all", 0), choice("exec", 0), choice("main", 0), choice("none", 0)];

/// In the order of an emitted unit.
pub(super) static TABLE: &[Directive] = &[
    directive(
        Topic::Devices,
        "PrivateDevices",
        209,
        Boolean,
        "no hardware: only harmless devices such as /dev/null are there",
    )
    .breaks("hardware: disks, serial ports, GPUs, TPMs, KVM")
    .default("no")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount, Mechanism::Seccomp, Mechanism::Capability, Mechanism::DeviceFilter])
    .implies(&[
        ("DevicePolicy", "closed"),
        ("CapabilityBoundingSet", "~CAP_MKNOD CAP_SYS_RAWIO"),
        ("SystemCallFilter", "~@raw-io"),
    ])
    .needs_privilege(),
    directive(
        Topic::Devices,
        "DevicePolicy",
        208,
        Grammar::Choice { words: DEVICE_POLICY, booleans: false },
        "devices that no rule names cannot be opened",
    )
    .breaks("devices that DeviceAllow= does not name")
    .default("auto")
    .man(Manual::ResourceControl)
    .scope(Scope::System)
    .by(&[Mechanism::DeviceFilter]),
    directive(Topic::Devices, "DeviceAllow", 208, Devices, "a device that can be opened")
        .breaks("devices that the list does not name")
        .man(Manual::ResourceControl)
        .scope(Scope::System)
        .by(&[Mechanism::DeviceFilter]),
    directive(
        Topic::Kernel,
        "ProtectKernelTunables",
        232,
        Boolean,
        "kernel settings below /proc/sys and /sys cannot be changed",
    )
    .breaks("writing sysctls, and tools that tune the kernel when they start")
    .default("no")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount, Mechanism::Seccomp])
    .implies(&[("MountAPIVFS", "yes")])
    .needs_privilege(),
    directive(Topic::Kernel, "ProtectKernelModules", 232, Boolean, "kernel modules can neither be loaded nor removed")
        .breaks("features that load a kernel module on first use by the service itself, such as mounting")
        .default("no")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::Mount, Mechanism::Seccomp, Mechanism::Capability])
        .implies(&[("CapabilityBoundingSet", "~CAP_SYS_MODULE"), ("SystemCallFilter", "~@module")])
        .needs_privilege(),
    directive(
        Topic::Kernel,
        "ProtectKernelLogs",
        244,
        Boolean,
        "the kernel log, which tells addresses and hardware, cannot be read",
    )
    .breaks("reading the kernel's messages, as log collectors do")
    .default("no")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount, Mechanism::Seccomp, Mechanism::Capability])
    .implies(&[("CapabilityBoundingSet", "~CAP_SYSLOG")])
    .needs_privilege(),
    directive(
        Topic::Kernel,
        "ProtectControlGroups",
        232,
        Grammar::Choice { words: PROTECT_CONTROL_GROUPS, booleans: true },
        "the control groups that limit services cannot be changed",
    )
    .breaks("making control groups, as container engines do")
    .default("no")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount, Mechanism::ControlGroupNamespace])
    .implies(&[("MountAPIVFS", "yes")]),
    directive(Topic::Kernel, "ProtectClock", 245, Boolean, "the clock cannot be set")
        .breaks("setting the clock, and reading the hardware clock")
        .default("no")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::Seccomp, Mechanism::Capability, Mechanism::DeviceFilter])
        .implies(&[("CapabilityBoundingSet", "~CAP_SYS_TIME CAP_WAKE_ALARM"), ("SystemCallFilter", "~@clock")])
        .needs_privilege(),
    directive(Topic::Kernel, "ProtectHostname", 242, Hostname, "the host name cannot be changed")
        .breaks("changing the host name; a later change of the machine's is not seen either")
        .default("no")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::HostNameNamespace, Mechanism::Seccomp])
        .needs_privilege(),
    directive(Topic::Kernel, "PrivateBPF", 258, Boolean, "BPF objects of others are out of sight")
        .breaks("loading BPF programs, as tracers and network tools do")
        .default("no")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::Mount]),
    directive(
        Topic::Kernel,
        "BPFDelegateCommands",
        258,
        List,
        "the BPF commands that the service may use without privileges",
    )
    .scope(Scope::System)
    .by(&[Mechanism::Mount]),
    directive(
        Topic::Kernel,
        "BPFDelegateMaps",
        258,
        List,
        "the kinds of BPF maps that the service may make without privileges",
    )
    .scope(Scope::System)
    .by(&[Mechanism::Mount]),
    directive(
        Topic::Kernel,
        "BPFDelegatePrograms",
        258,
        List,
        "the kinds of BPF programs that the service may load without privileges",
    )
    .scope(Scope::System)
    .by(&[Mechanism::Mount]),
    directive(
        Topic::Kernel,
        "BPFDelegateAttachments",
        258,
        List,
        "where the service may attach BPF programs without privileges",
    )
    .scope(Scope::System)
    .by(&[Mechanism::Mount]),
    directive(
        Topic::Kernel,
        "RestrictRealtime",
        231,
        Boolean,
        "no realtime scheduling, with which one process can starve the machine",
    )
    .breaks("real-time scheduling, as audio and telephony ask for")
    .default("no")
    .by(&[Mechanism::Seccomp, Mechanism::Limit])
    .needs_privilege(),
    directive(
        Topic::Kernel,
        "RestrictNamespaces",
        233,
        Namespaces,
        "no namespaces, a frequent way to kernel code that is otherwise out of reach",
    )
    .breaks("sandboxes and containers that the service makes: browsers, bubblewrap, container engines")
    .default("no")
    .by(&[Mechanism::Seccomp])
    .needs_privilege(),
    directive(
        Topic::Processes,
        "ProtectProc",
        247,
        Grammar::Choice { words: PROTECT_PROC, booleans: false },
        "processes of other users are out of sight",
    )
    .breaks("looking at other users' processes, as monitoring does")
    .default("default")
    .scope(Scope::ExplicitUserNamespace)
    .by(&[Mechanism::Mount])
    .implies(&[("MountAPIVFS", "yes")]),
    directive(
        Topic::Processes,
        "ProcSubset",
        247,
        Grammar::Choice { words: PROC_SUBSET, booleans: false },
        "of /proc only the processes are there, not what it tells about the system",
    )
    .breaks("reading system-wide files of /proc: meminfo, cpuinfo, sysctls; some runtimes count processors there")
    .default("all")
    .scope(Scope::ExplicitUserNamespace)
    .by(&[Mechanism::Mount])
    .implies(&[("MountAPIVFS", "yes")]),
    directive(Topic::Processes, "PrivatePIDs", 257, Boolean, "only its own processes exist")
        .breaks("signals and process IDs across the border, and a program that leaves SIGTERM to its default action")
        .default("no")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::ProcessNamespace])
        .implies(&[("MountAPIVFS", "yes")]),
    directive(
        Topic::Processes,
        "PrivateIPC",
        248,
        Boolean,
        "shared memory, semaphores and queues of others are out of reach",
    )
    .breaks("shared memory and message queues that are shared with other services")
    .default("no")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::IpcNamespace]),
    directive(Topic::Processes, "IPCNamespacePath", 248, Path, "the IPC namespace that the service joins")
        .scope(Scope::System)
        .by(&[Mechanism::IpcNamespace]),
    directive(
        Topic::Processes,
        "JoinsNamespaceOf",
        209,
        List,
        "the unit whose network, IPC and temporary directories the service shares",
    )
    .man(Manual::Unit)
    .scope(Scope::System)
    .by(&[Mechanism::NetworkNamespace, Mechanism::IpcNamespace, Mechanism::Mount])
    .section(Section::Unit),
    directive(
        Topic::Processes,
        "LogNamespace",
        245,
        FileName,
        "the journal that the service writes to, which others do not read",
    )
    .scope(Scope::System)
    .by(&[Mechanism::RequiredMount]),
    directive(
        Topic::Processes,
        "NotifyAccess",
        0,
        Grammar::Choice { words: NOTIFY_ACCESS, booleans: false },
        "which processes may report the service's state",
    )
    .breaks("readiness that another process than the main one reports")
    .default("none (main for Type=notify/notify-reload, WatchdogSec)")
    .man(Manual::Service)
    .by(&[Mechanism::Notification]),
];
