//! Directories and files.

use super::grammar::{
    Choice,
    Grammar::{
        self, Binds, Boolean, Credentials, Directories, FatalPath, ImagePolicy, Images, List, Mode, Mounts, Paths,
        Text, Tristate, WorkingDirectory,
    },
    alias, choice,
};
use super::{Directive, Manual, Mechanism, Scope, Topic, directive};

static RUNTIME_DIRECTORY_PRESERVE: &[Choice] = &[choice("yes", 0), choice("restart", 0), choice("no", 0)];
static PROTECT_SYSTEM: &[Choice] = &[choice("no", 0), choice("yes", 0), choice("full", 0), choice("strict", 0)];
static PROTECT_HOME: &[Choice] = &[choice("no", 0), choice("read-only", 0), choice("tmpfs", 0), choice("yes", 0)];
static PRIVATE_TMP: &[Choice] =
    &[choice("no", 0), choice("yes", 0), alias("connected", 257, "yes"), choice("disconnected", 257)];

/// In the order of an emitted unit.
pub(super) static TABLE: &[Directive] = &[
    directive(
        Topic::Directories,
        "RuntimeDirectory",
        211,
        Directories,
        "a directory below /run that lives as long as the service",
    )
    .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "RuntimeDirectoryMode", 234, Mode, "the mode of the runtime directory")
        .default("0755")
        .by(&[Mechanism::Directory]),
    directive(
        Topic::Directories,
        "RuntimeDirectoryPreserve",
        235,
        Grammar::Choice { words: RUNTIME_DIRECTORY_PRESERVE, booleans: true },
        "whether the runtime directory outlives the service",
    )
    .default("no")
    .by(&[Mechanism::Directory]),
    directive(
        Topic::Directories,
        "StateDirectory",
        235,
        Directories,
        "a directory below /var/lib that only this service can write",
    )
    .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "StateDirectoryMode", 234, Mode, "the mode of the state directory")
        .default("0755")
        .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "StateDirectoryQuota", 258, Text, "how much the state directory can hold")
        .default("off")
        .scope(Scope::System)
        .by(&[Mechanism::Quota]),
    directive(
        Topic::Directories,
        "StateDirectoryAccounting",
        258,
        Boolean,
        "whether what the state directory holds is counted",
    )
    .default("no")
    .scope(Scope::System)
    .by(&[Mechanism::Quota])
    .neutral(),
    directive(
        Topic::Directories,
        "CacheDirectory",
        235,
        Directories,
        "a directory below /var/cache that only this service can write",
    )
    .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "CacheDirectoryMode", 234, Mode, "the mode of the cache directory")
        .default("0755")
        .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "CacheDirectoryQuota", 258, Text, "how much the cache directory can hold")
        .default("off")
        .scope(Scope::System)
        .by(&[Mechanism::Quota]),
    directive(
        Topic::Directories,
        "CacheDirectoryAccounting",
        258,
        Boolean,
        "whether what the cache directory holds is counted",
    )
    .default("no")
    .scope(Scope::System)
    .by(&[Mechanism::Quota])
    .neutral(),
    directive(
        Topic::Directories,
        "LogsDirectory",
        235,
        Directories,
        "a directory below /var/log that only this service can write",
    )
    .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "LogsDirectoryMode", 234, Mode, "the mode of the logs directory")
        .default("0755")
        .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "LogsDirectoryQuota", 258, Text, "how much the logs directory can hold")
        .default("off")
        .scope(Scope::System)
        .by(&[Mechanism::Quota]),
    directive(
        Topic::Directories,
        "LogsDirectoryAccounting",
        258,
        Boolean,
        "whether what the logs directory holds is counted",
    )
    .default("no")
    .scope(Scope::System)
    .by(&[Mechanism::Quota])
    .neutral(),
    directive(
        Topic::Directories,
        "ConfigurationDirectory",
        235,
        Directories,
        "a directory below /etc for the service's configuration",
    )
    .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "ConfigurationDirectoryMode", 234, Mode, "the mode of the configuration directory")
        .default("0755")
        .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "TimeoutCleanSec", 244, Text, "how long cleaning the directories may take")
        .by(&[Mechanism::Directory]),
    directive(Topic::Directories, "WorkingDirectory", 0, WorkingDirectory, "the directory that the service starts in")
        .by(&[Mechanism::ProcessControl]),
    directive(
        Topic::Directories,
        "LoadCredential",
        247,
        Credentials,
        "a secret that systemd hands over in a file that only this service can read",
    )
    .by(&[Mechanism::Credential]),
    directive(
        Topic::Directories,
        "LoadCredentialEncrypted",
        250,
        Credentials,
        "a secret that is stored encrypted, and handed over readable to this service alone",
    )
    .by(&[Mechanism::Credential]),
    directive(
        Topic::Directories,
        "SetCredential",
        247,
        Credentials,
        "a value that is handed over as a credential; anybody can read it in the unit, so it is no place for secrets",
    )
    .by(&[Mechanism::Credential]),
    directive(
        Topic::Directories,
        "SetCredentialEncrypted",
        250,
        Credentials,
        "a secret that stands encrypted in the unit itself",
    )
    .by(&[Mechanism::Credential]),
    directive(
        Topic::Directories,
        "ImportCredential",
        254,
        List,
        "credentials of the system that are handed on, by pattern",
    )
    .by(&[Mechanism::Credential]),
    directive(
        Topic::Directories,
        "OpenFile",
        253,
        List,
        "a file that systemd opens and passes in, so that its path can stay out of sight",
    )
    .man(Manual::Service)
    .by(&[Mechanism::Descriptor]),
    directive(
        Topic::Files,
        "ProtectSystem",
        214,
        Grammar::Choice { words: PROTECT_SYSTEM, booleans: true },
        "the operating system's files cannot be changed",
    )
    .breaks("writing anywhere but in StateDirectory=, CacheDirectory=, LogsDirectory= and ReadWritePaths=")
    .default("no")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount]),
    directive(
        Topic::Files,
        "ProtectHome",
        214,
        Grammar::Choice { words: PROTECT_HOME, booleans: true },
        "home directories are out of sight",
    )
    .breaks("reading or writing files of users, and tools that keep settings in a home directory")
    .default("no")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount]),
    directive(
        Topic::Files,
        "PrivateTmp",
        0,
        Grammar::Choice { words: PRIVATE_TMP, booleans: true },
        "/tmp and /var/tmp are its own: no other service's files in sight, nothing left behind",
    )
    .breaks("files and sockets that are exchanged with other programs in /tmp")
    .default("no")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount]),
    directive(
        Topic::Files,
        "PrivateMounts",
        239,
        Tristate { since: 254 },
        "mounts that it makes are seen by nobody else",
    )
    .breaks("mounts that the service makes for others to see")
    .default("no / unset")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount]),
    directive(
        Topic::Files,
        "MountFlags",
        0,
        Text,
        "whether mounts travel between the service and the rest of the system",
    )
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount]),
    directive(
        Topic::Files,
        "MountAPIVFS",
        233,
        Tristate { since: 0 },
        "whether /proc, /sys and /dev are there below a root of its own",
    )
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount])
    .neutral(),
    directive(
        Topic::Files,
        "BindLogSockets",
        257,
        Tristate { since: 0 },
        "whether the journal can be reached from below a root of its own",
    )
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount])
    .weakens(),
    directive(Topic::Files, "ReadWritePaths", 231, Paths, "paths that stay writable")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::Mount]),
    directive(Topic::Files, "ReadOnlyPaths", 231, Paths, "paths that cannot be changed")
        .breaks("writing below these paths")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::Mount]),
    directive(Topic::Files, "InaccessiblePaths", 231, Paths, "paths that are out of sight")
        .breaks("reading what is below these paths")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::Mount]),
    directive(Topic::Files, "ExecPaths", 248, Paths, "paths whose files can be executed")
        .breaks("nothing by itself: it opens what NoExecPaths= closes")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::Mount]),
    directive(
        Topic::Files,
        "NoExecPaths",
        248,
        Paths,
        "paths whose files cannot be executed, so that what it writes or downloads cannot be run",
    )
    .breaks("starting helper programs or loading plugins from places that ExecPaths= does not name")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::Mount]),
    directive(Topic::Files, "ExecSearchPath", 250, List, "where programs that are named without a path are looked for")
        .by(&[Mechanism::Execution]),
    directive(
        Topic::Files,
        "TemporaryFileSystem",
        238,
        Mounts,
        "paths that are replaced by an empty file system of its own",
    )
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::RequiredMount]),
    directive(Topic::Files, "BindPaths", 233, Binds, "paths that are shown at another place")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::RequiredMount]),
    directive(Topic::Files, "BindReadOnlyPaths", 233, Binds, "paths that are shown at another place, unchangeable")
        .scope(Scope::UserNamespace)
        .by(&[Mechanism::RequiredMount]),
    directive(
        Topic::Files,
        "RootDirectory",
        0,
        FatalPath,
        "the directory that the service takes for the whole file system",
    )
    .breaks("every program, library and file that is not in the directory: it has to hold all that the service uses")
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::RequiredMount]),
    directive(
        Topic::Files,
        "RootDirectoryStartOnly",
        0,
        Boolean,
        "whether only ExecStart= runs below the root of its own",
    )
    .default("no")
    .man(Manual::Service)
    .by(&[Mechanism::RequiredMount])
    .weakens(),
    directive(
        Topic::Files,
        "RootImage",
        233,
        FatalPath,
        "the disk image that the service takes for the whole file system",
    )
    .scope(Scope::System)
    .by(&[Mechanism::RequiredMount]),
    directive(Topic::Files, "RootImageOptions", 247, List, "how the partitions of the root image are mounted")
        .scope(Scope::System)
        .by(&[Mechanism::RequiredMount]),
    directive(
        Topic::Files,
        "RootHash",
        246,
        Text,
        "the hash that the root image must have, so that no byte of it can be changed unseen",
    )
    .scope(Scope::System)
    .by(&[Mechanism::Image]),
    directive(Topic::Files, "RootHashSignature", 246, Text, "the signature that the hash of the root image must have")
        .scope(Scope::System)
        .by(&[Mechanism::Image]),
    directive(Topic::Files, "RootVerity", 246, FatalPath, "where the hashes of the root image's blocks are")
        .scope(Scope::System)
        .by(&[Mechanism::Image]),
    directive(
        Topic::Files,
        "RootImagePolicy",
        254,
        ImagePolicy,
        "which partitions the root image may have, and how they must be protected",
    )
    .scope(Scope::System)
    .by(&[Mechanism::Image]),
    directive(Topic::Files, "RootEphemeral", 254, Boolean, "whether what is written below the root is thrown away")
        .default("no")
        .scope(Scope::System)
        .by(&[Mechanism::RequiredMount]),
    directive(
        Topic::Files,
        "RootMStack",
        260,
        FatalPath,
        "the stack of directories and images that the service takes for the whole file system",
    )
    .scope(Scope::System)
    .by(&[Mechanism::RequiredMount]),
    directive(Topic::Files, "MountImages", 247, Images, "disk images that are mounted for the service alone")
        .scope(Scope::System)
        .by(&[Mechanism::RequiredMount]),
    directive(
        Topic::Files,
        "MountImagePolicy",
        254,
        ImagePolicy,
        "which partitions those images may have, and how they must be protected",
    )
    .scope(Scope::System)
    .by(&[Mechanism::Image]),
    directive(
        Topic::Files,
        "ExtensionImages",
        248,
        Mounts,
        "disk images that are laid over /usr and /opt for the service alone",
    )
    .scope(Scope::System)
    .by(&[Mechanism::RequiredMount]),
    directive(
        Topic::Files,
        "ExtensionDirectories",
        251,
        Paths,
        "directories that are laid over /usr and /opt for the service alone",
    )
    .scope(Scope::UserNamespace)
    .by(&[Mechanism::RequiredMount]),
    directive(
        Topic::Files,
        "ExtensionImagePolicy",
        254,
        ImagePolicy,
        "which partitions extension images may have, and how they must be protected",
    )
    .scope(Scope::System)
    .by(&[Mechanism::Image]),
    directive(Topic::Files, "RestrictFileSystems", 250, List, "the types of file systems that files can be opened on")
        .breaks("file systems of the kinds that are denied, such as network mounts")
        .scope(Scope::System)
        .by(&[Mechanism::BpfSecurityModule]),
];
