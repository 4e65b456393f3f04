//! Who the service is.

use super::grammar::{
    Choice,
    Grammar::{
        self, Boolean, Capabilities, FatalBoolean, Label, List, Mode, Namespaces, Path, Text, Tristate, User, Users,
    },
    alias, choice,
};
use super::{Directive, Mechanism, Scope, Topic, directive};

static PRIVATE_USERS: &[Choice] = &[
    choice("no", 0),
    choice("full", 258),
    choice("identity", 257),
    choice("managed", 260),
    choice("yes", 0),
    alias("self", 257, "yes"),
];
static KEYRING_MODE: &[Choice] = &[choice("shared", 0), choice("inherit", 0), choice("private", 0)];

/// In the order of an emitted unit.
pub(super) static TABLE: &[Directive] = &[
    directive(Topic::Identity, "User", 0, User, "the user that the service runs as")
    .breaks("whatever only root may do: low ports, files of root, other users' processes")
        .default("root (system)")
        .scope(Scope::OwnUser)
        .by(&[Mechanism::Identity]),
    directive(
        Topic::Identity,
        "SetLoginEnvironment",
        255,
        Tristate { since: 0 },
        "whether HOME, LOGNAME and SHELL tell the user that the service runs as",
    )
    .by(&[Mechanism::Environment])
    .weakens(),
    directive(
        Topic::Identity,
        "PAMName",
        0,
        Text,
        "the PAM session that is opened for the service, whose modules can change what it may do",
    )
    .by(&[Mechanism::Pam]),
    directive(Topic::Identity, "Group", 0, User, "the group that the service runs as")
        .scope(Scope::OwnUser)
        .by(&[Mechanism::Identity]),
    directive(
        Topic::Identity,
        "DynamicUser",
        232,
        FatalBoolean,
        "a user that exists only while the service runs and owns nothing when it is gone",
    )
    .breaks("files that an earlier, fixed user owns: the state directory moves below /var/lib/private, and nothing else stays writable")
    .default("no")
    .scope(Scope::System)
    .by(&[Mechanism::DynamicIdentity, Mechanism::RequiredMount])
    .implies(&[
        ("PrivateTmp", "yes"),
        ("RemoveIPC", "yes"),
        ("NoNewPrivileges", "yes"),
        ("RestrictSUIDSGID", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "read-only"),
    ]),
    directive(Topic::Identity, "SupplementaryGroups", 0, Users, "further groups that the service is a member of")
    .breaks("files and devices that only the group may use")
        .scope(Scope::OwnUser)
        .by(&[Mechanism::Identity]),
    directive(
        Topic::Identity,
        "AmbientCapabilities",
        229,
        Capabilities,
        "capabilities that the service holds without being root",
    )
    .breaks("whatever the granted capabilities are there for")
    .default("none")
    .scope(Scope::HeldCapabilities)
    .by(&[Mechanism::Capability]),
    directive(
        Topic::Identity,
        "CapabilityBoundingSet",
        0,
        Capabilities,
        "the capabilities that no process of the service can ever hold more than",
    )
    .breaks("whatever needs a power of root, such as a port below 1024, changing users or owners, or reading files of others")
    .default("all")
    .scope(Scope::ExplicitUserNamespace)
    .by(&[Mechanism::Capability]),
    directive(
        Topic::Identity,
        "NoNewPrivileges",
        187,
        Boolean,
        "no process gains privileges by executing a set-user-ID program or one with file capabilities",
    )
    .breaks("programs that gain rights when they are executed: sudo, ping with file capabilities, mail submission")
    .default("no")
    .by(&[Mechanism::ProcessControl]),
    directive(Topic::Identity, "SecureBits", 0, List, "how capabilities behave when the user changes")
        .scope(Scope::HeldCapabilities)
        .by(&[Mechanism::ProcessControl]),
    directive(Topic::Identity, "SELinuxContext", 209, Label, "the SELinux context that the service runs in")
        .scope(Scope::System)
        .by(&[Mechanism::SecurityModule]),
    directive(Topic::Identity, "AppArmorProfile", 210, Label, "the AppArmor profile that the service runs under")
        .scope(Scope::System)
        .by(&[Mechanism::SecurityModule]),
    directive(Topic::Identity, "SmackProcessLabel", 218, Label, "the SMACK label that the service runs with")
        .scope(Scope::System)
        .by(&[Mechanism::SecurityModule]),
    directive(
        Topic::Identity,
        "PrivateUsers",
        232,
        Grammar::Choice { words: PRIVATE_USERS, booleans: true },
        "the service sees only itself and root as users, and its capabilities reach nothing outside",
    )
    .breaks("capabilities on the machine itself, such as CAP_NET_BIND_SERVICE, and reading the names of other users' files")
    .default("no")
    .by(&[Mechanism::UserNamespace]),
    directive(Topic::Identity, "UserNamespacePath", 259, Path, "the user namespace that the service joins")
        .scope(Scope::System)
        .by(&[Mechanism::UserNamespace]),
    directive(
        Topic::Identity,
        "DelegateNamespaces",
        258,
        Namespaces,
        "the namespaces that belong to the service's own user namespace, so that its root reigns in them",
    )
    .default("no (user manager: yes)")
    .by(&[Mechanism::UserNamespace])
    .implies(&[("PrivateUsers", "self")]),
    directive(
        Topic::Identity,
        "RestrictSUIDSGID",
        242,
        Boolean,
        "no set-user-ID or set-group-ID file can be made, which another user could be tricked into running",
    )
    .breaks("programs that install set-user-ID files: package managers, some build tools")
    .default("no")
    .by(&[Mechanism::Seccomp])
    .needs_privilege(),
    directive(
        Topic::Identity,
        "KeyringMode",
        235,
        Grammar::Choice { words: KEYRING_MODE, booleans: false },
        "kernel keys of other services stay out of reach",
    )
    .breaks("kernel keys that are shared with other processes of the user, as Kerberos and eCryptfs do")
    .default("private (system), inherit (user)")
    .by(&[Mechanism::Keyring]),
    directive(
        Topic::Identity,
        "RemoveIPC",
        232,
        Boolean,
        "shared memory, semaphores and queues do not outlive the service",
    )
    .breaks("shared memory or message queues that other processes of the same user are to find later")
    .default("no")
    .scope(Scope::System)
    .by(&[Mechanism::Cleanup]),
    directive(Topic::Identity, "UMask", 0, Mode, "files that it creates are readable by nobody else")
    .breaks("files and sockets that others are to read without an explicit mode")
        .default("0022")
        .by(&[Mechanism::ProcessControl]),
];
