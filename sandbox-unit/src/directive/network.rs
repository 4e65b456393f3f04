//! The network, code, system calls and resources.

use super::grammar::{
    Choice,
    Grammar::{
        self, Addresses, Architectures, Boolean, Calls, Delegation, Families, FilterPaths, Limit, List, Path, Text,
        Tristate,
    },
    choice,
};
use super::{Directive, Manual, Mechanism, Scope, Topic, directive};

static MEMORY_T_H_P: &[Choice] =
    &[choice("inherit", 0), choice("system", 0), choice("madvise", 0), choice("disable", 0)];

/// In the order of an emitted unit.
pub(super) static TABLE: &[Directive] = &[
    directive(Topic::Network, "PrivateNetwork", 0, Boolean, "no network but a loopback of its own")
    .breaks("every connection, on the loopback interface too; sockets that systemd hands over go on working")
        .default("no")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::NetworkNamespace])
        .implies(&[("PrivateMounts", "yes")]),
    directive(Topic::Network, "NetworkNamespacePath", 242, Path, "the network namespace that the service joins")
        .scope(Scope::System)
        .by(&[Mechanism::NetworkNamespace]),
    directive(Topic::Network, "RestrictAddressFamilies", 211, Families, "the kinds of sockets that can be made")
    .breaks("sockets of the families that are not listed: AF_NETLINK is needed to list interfaces, AF_UNIX to log and to resolve names")
        .by(&[Mechanism::Seccomp])
        .needs_privilege(),
    directive(Topic::Network, "IPAddressAllow", 235, Addresses, "addresses that it can talk to")
    .breaks("nothing by itself: it opens what IPAddressDeny= closes")
        .man(Manual::ResourceControl)
        .scope(Scope::System)
        .by(&[Mechanism::AddressFilter]),
    directive(Topic::Network, "IPAddressDeny", 235, Addresses, "addresses that it cannot talk to")
    .breaks("every address that IPAddressAllow= does not name, in both directions")
        .man(Manual::ResourceControl)
        .scope(Scope::System)
        .by(&[Mechanism::AddressFilter]),
    directive(
        Topic::Network,
        "IPIngressFilterPath",
        243,
        FilterPaths,
        "the BPF program that decides which packets reach it",
    )
    .man(Manual::ResourceControl)
    .scope(Scope::System)
    .by(&[Mechanism::Bpf]),
    directive(
        Topic::Network,
        "IPEgressFilterPath",
        243,
        FilterPaths,
        "the BPF program that decides which packets it can send",
    )
    .man(Manual::ResourceControl)
    .scope(Scope::System)
    .by(&[Mechanism::Bpf]),
    directive(Topic::Network, "BPFProgram", 249, List, "a BPF program that is attached to its control group")
        .man(Manual::ResourceControl)
        .scope(Scope::System)
        .by(&[Mechanism::Bpf]),
    directive(Topic::Network, "RestrictNetworkInterfaces", 250, List, "the network interfaces that it can use")
    .breaks("traffic over other interfaces")
        .man(Manual::ResourceControl)
        .scope(Scope::System)
        .by(&[Mechanism::InterfaceFilter]),
    directive(Topic::Network, "BindNetworkInterface", 260, Text, "the network interface that its sockets are bound to")
        .man(Manual::ResourceControl)
        .scope(Scope::System)
        .by(&[Mechanism::InterfaceFilter]),
    directive(
        Topic::Network,
        "NFTSet",
        255,
        List,
        "the firewall sets that name the service, so that rules can be written for it",
    )
    .man(Manual::ResourceControl)
    .scope(Scope::System)
    .by(&[Mechanism::Firewall]),
    directive(Topic::Network, "SocketBindAllow", 249, List, "ports that it can bind")
        .man(Manual::ResourceControl)
        .scope(Scope::System)
        .by(&[Mechanism::SocketBindFilter]),
    directive(Topic::Network, "SocketBindDeny", 249, List, "ports that it cannot bind")
    .breaks("listening on ports that SocketBindAllow= does not name")
        .man(Manual::ResourceControl)
        .scope(Scope::System)
        .by(&[Mechanism::SocketBindFilter]),
    directive(
        Topic::Code,
        "MemoryDenyWriteExecute",
        231,
        Boolean,
        "no memory that is writable and executable, which injected code needs",
    )
    .breaks("programs that write code while they run: JIT compilers (JavaScript, WebAssembly, LuaJIT, Java), some FFI libraries")
    .default("no")
    .by(&[Mechanism::ProcessControl, Mechanism::Seccomp])
    .needs_privilege(),
    directive(
        Topic::Code,
        "LockPersonality",
        235,
        Boolean,
        "the execution domain, which can switch kernel hardening off, stays as it is",
    )
    .breaks("emulators and very old programs that change how the kernel treats them")
    .default("no")
    .by(&[Mechanism::Seccomp])
    .needs_privilege(),
    directive(
        Topic::Code,
        "Personality",
        209,
        Text,
        "the execution domain, as which uname() reports another architecture",
    )
    .by(&[Mechanism::ProcessControl]),
    directive(
        Topic::Code,
        "MemoryKSM",
        254,
        Tristate { since: 0 },
        "whether its memory is merged with equal pages of others, which tells them apart by timing",
    )
    .by(&[Mechanism::ProcessControl])
    .weakens(),
    directive(
        Topic::Code,
        "MemoryTHP",
        260,
        Grammar::Choice { words: MEMORY_T_H_P, booleans: false },
        "whether its memory is made of huge pages",
    )
    .default("inherit")
    .by(&[Mechanism::ProcessControl]),
    directive(
        Topic::Calls,
        "SystemCallArchitectures",
        209,
        Architectures,
        "no system calls of foreign architectures, which slip past filters",
    )
    .breaks("programs of another architecture, such as 32-bit helpers on a 64-bit machine")
    .by(&[Mechanism::Seccomp])
    .needs_privilege(),
    directive(Topic::Calls, "SystemCallFilter", 187, Calls, "the system calls that can be made")
    .breaks("calls that are not listed: rarely used ones of libraries, and helpers that change users, owners or limits")
        .by(&[Mechanism::Seccomp])
        .needs_privilege(),
    directive(Topic::Calls, "SystemCallErrorNumber", 209, Text, "what a refused system call answers")
    .breaks("programs that take the error for another one")
        .default("kill")
        .by(&[Mechanism::Seccomp]),
    directive(Topic::Calls, "SystemCallLog", 247, Calls, "the system calls that are logged; none is refused")
        .by(&[Mechanism::Seccomp])
        .needs_privilege(),
    directive(Topic::Resources, "LimitCORE", 0, Limit, "no core dumps, which hold whatever was in memory")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitCPU", 0, Limit, "how many seconds of processor time a process can use")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitFSIZE", 0, Limit, "how large a file can grow that it writes")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitDATA", 0, Limit, "how large the data segment of a process can be")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitSTACK", 0, Limit, "how large the stack of a process can be")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitRSS", 0, Limit, "nothing: the kernel does not enforce it")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitNOFILE", 0, Limit, "how many files it can have open")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitAS", 0, Limit, "how much address space a process can have")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitNPROC", 0, Limit, "how many processes its user can have")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitMEMLOCK", 0, Limit, "how much memory a process can lock")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitLOCKS", 0, Limit, "how many file locks a process can hold")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitSIGPENDING", 0, Limit, "how many signals can be queued for its user")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitMSGQUEUE", 0, Limit, "how much its user can have in message queues")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitNICE", 0, Limit, "how nice a process can stop being")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitRTPRIO", 0, Limit, "the realtime priority that a process can take")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "LimitRTTIME", 0, Limit, "how long a realtime process can run without a pause")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::Limit]),
    directive(Topic::Resources, "MemoryMax", 231, Text, "how much memory it can use")
        .man(Manual::ResourceControl)
        .by(&[Mechanism::MemoryController]),
    directive(Topic::Resources, "MemoryHigh", 231, Text, "how much memory it can use before it is slowed down")
        .man(Manual::ResourceControl)
        .by(&[Mechanism::MemoryController]),
    directive(Topic::Resources, "TasksMax", 227, Text, "how many processes and threads it can have")
        .man(Manual::ResourceControl)
        .by(&[Mechanism::TaskController]),
    directive(Topic::Resources, "OOMScoreAdjust", 0, Text, "how soon it is killed when memory runs out")
        .scope(Scope::LoweringOnly)
        .by(&[Mechanism::ProcessControl]),
    directive(Topic::Resources, "CoredumpFilter", 246, Text, "what a core dump of it holds")
        .by(&[Mechanism::ProcessControl]),
    directive(Topic::Resources, "IgnoreSIGPIPE", 0, Boolean, "whether writing to a closed pipe ends it")
        .default("yes")
        .by(&[Mechanism::ProcessControl])
        .neutral(),
    directive(Topic::Resources, "CPUQuota", 213, Text, "how much processor time it can use")
        .man(Manual::ResourceControl)
        .by(&[Mechanism::ProcessorController]),
    directive(Topic::Resources, "Delegate", 218, Delegation, "a subtree of control groups that it manages itself")
    .breaks("control groups that the service manages by itself")
        .default("no")
        .man(Manual::ResourceControl)
        .by(&[Mechanism::ControlGroup])
        .weakens(),
    directive(
        Topic::Resources,
        "DelegateSubgroup",
        254,
        Text,
        "the part of its control groups that its processes start in",
    )
    .man(Manual::ResourceControl)
    .by(&[Mechanism::ControlGroup]),
    directive(
        Topic::Resources,
        "DisableControllers",
        240,
        List,
        "the control group controllers that none of its children can use",
    )
    .man(Manual::ResourceControl)
    .by(&[Mechanism::ControlGroup]),
    directive(
        Topic::Resources,
        "CoredumpReceive",
        255,
        Boolean,
        "whether crashes in its subtree of control groups are handed to it",
    )
    .man(Manual::ResourceControl)
    .scope(Scope::System)
    .by(&[Mechanism::ControlGroup])
    .weakens(),
];
