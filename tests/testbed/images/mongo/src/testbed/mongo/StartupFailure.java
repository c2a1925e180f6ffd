package testbed.mongo;

/** Ends the process before it serves: a message for the log, and mongod's exit code for that case. */
final class StartupFailure extends Exception {

    /** mongod's EXIT_FAILURE. */
    static final int FAILURE = 1;
    /** mongod's EXIT_BADOPTIONS. */
    static final int BAD_OPTIONS = 2;
    /** mongod's EXIT_NET_ERROR. */
    static final int NET_ERROR = 48;
    /** mongod's EXIT_NEED_UPGRADE: data of a version that this release may not open. */
    static final int NEED_UPGRADE = 62;
    /** mongod's EXIT_UNCAUGHT: among others, a data directory that is missing, not writable or in use. */
    static final int UNUSABLE_DATA = 100;

    private static final long serialVersionUID = 1L;

    private final int exitCode;

    StartupFailure(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    int exitCode() {
        return exitCode;
    }
}
