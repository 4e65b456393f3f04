//! What enforces directives: parts of the kernel and of the service manager, each of which can be there or not.

use super::{DIRECTIVES, Directive};

/// What enforces a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// User and group IDs.
    Identity,
    /// A user that the service manager makes up for the time of a run.
    DynamicIdentity,
    /// Capability sets.
    Capability,
    /// Calls that a process makes on itself before the service begins.
    ProcessControl,
    /// SELinux, AppArmor or SMACK.
    SecurityModule,
    /// The BPF security module.
    BpfSecurityModule,
    /// A mount namespace; where none can be made, systemd starts the service without it.
    Mount,
    /// A mount namespace; where none can be made, systemd refuses to start the service.
    RequiredMount,
    /// A system-call filter.
    Seccomp,
    /// A user namespace.
    UserNamespace,
    /// A network namespace.
    NetworkNamespace,
    /// A namespace of process IDs.
    ProcessNamespace,
    /// An IPC namespace.
    IpcNamespace,
    /// A namespace of host names (UTS).
    HostNameNamespace,
    /// A control group namespace.
    ControlGroupNamespace,
    /// The BPF filter of addresses.
    AddressFilter,
    /// The BPF filter of devices.
    DeviceFilter,
    /// The BPF filter of socket binding.
    SocketBindFilter,
    /// The BPF filter of network interfaces.
    InterfaceFilter,
    /// A BPF program of the administrator.
    Bpf,
    /// The memory controller of control groups.
    MemoryController,
    /// The controller of control groups that counts processes.
    TaskController,
    /// The processor controller of control groups.
    ProcessorController,
    /// How the control group is made.
    ControlGroup,
    /// Resource limits.
    Limit,
    /// A kernel keyring.
    Keyring,
    /// Environment variables.
    Environment,
    /// PAM.
    Pam,
    /// The service manager's credentials.
    Credential,
    /// Directories that the service manager makes.
    Directory,
    /// Project quotas.
    Quota,
    /// What a disk image must prove.
    Image,
    /// The service manager, when the service is gone.
    Cleanup,
    /// Firewall sets.
    Firewall,
    /// The service manager's socket for notifications.
    Notification,
    /// A file descriptor that is passed in.
    Descriptor,
    /// How the program is found.
    Execution,
}

impl Mechanism {
    /// In a few words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Identity => "user and group IDs",
            Self::DynamicIdentity => "a user made up for the run",
            Self::Capability => "capability sets",
            Self::ProcessControl => "settings of the process itself",
            Self::SecurityModule => "a security module",
            Self::BpfSecurityModule => "the BPF security module",
            Self::Mount => "a mount namespace",
            Self::RequiredMount => "a mount namespace, without which the service does not start",
            Self::Seccomp => "a system-call filter",
            Self::UserNamespace => "a user namespace",
            Self::NetworkNamespace => "a network namespace",
            Self::ProcessNamespace => "a namespace of process IDs",
            Self::IpcNamespace => "an IPC namespace",
            Self::HostNameNamespace => "a namespace of host names",
            Self::ControlGroupNamespace => "a control group namespace",
            Self::AddressFilter => "the BPF filter of addresses",
            Self::DeviceFilter => "the BPF filter of devices",
            Self::SocketBindFilter => "the BPF filter of socket binding",
            Self::InterfaceFilter => "the BPF filter of network interfaces",
            Self::Bpf => "a BPF program of the administrator",
            Self::MemoryController => "the memory controller of control groups",
            Self::TaskController => "the process controller of control groups",
            Self::ProcessorController => "the processor controller of control groups",
            Self::ControlGroup => "how the control group is made",
            Self::Limit => "resource limits",
            Self::Keyring => "a kernel keyring",
            Self::Environment => "the environment",
            Self::Pam => "PAM",
            Self::Credential => "credentials of the service manager",
            Self::Directory => "directories that systemd makes",
            Self::Quota => "project quotas",
            Self::Image => "checks of a disk image",
            Self::Cleanup => "the service manager, once the service is gone",
            Self::Firewall => "firewall sets",
            Self::Notification => "the notification socket",
            Self::Descriptor => "a file descriptor that is passed in",
            Self::Execution => "how the program is executed",
        }
    }

    /// The directives that rest on it.
    pub fn directives(self) -> impl Iterator<Item = &'static Directive> {
        DIRECTIVES.iter().copied().filter(move |directive| directive.mechanism.contains(&self))
    }
}
