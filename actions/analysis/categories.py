"""What can be wrong with a failed job, in the words that playbooks and cards use."""

from enum import StrEnum


class Category(StrEnum):
    """The kinds of failure that Shipmate tells apart."""

    DEPENDENCY_MISSING_PYTHON = "dependency-missing-python"
    DEPENDENCY_MISSING_NPM = "dependency-missing-npm"
    VERSION_CONFLICT = "version-conflict"
    MISSING_ENV_VAR = "missing-env-var"
    INVALID_CONFIG = "invalid-config"
    TEST_TIMEOUT = "test-timeout"
    FLAKY_TEST = "flaky-test"
    OOM = "OOM"
    DISK_FULL = "disk-full"
    NETWORK_TRANSIENT = "network-transient"
    NONE = "none"


class FixRisk(StrEnum):
    """How much a fix of this kind can harm: a retry little, other versions or values more, the code itself most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
