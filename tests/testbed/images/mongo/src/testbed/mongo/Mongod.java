package testbed.mongo;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CountDownLatch;

import de.bwaldvogel.mongo.MongoServer;

/** {@code mongod}: the version comes from MONGO_VERSION, the rest from the command line. */
public final class Mongod {

    private Mongod() {
    }

    public static void main(String[] arguments) throws InterruptedException {
        Release release = Release.parse(System.getenv("MONGO_VERSION"));
        try {
            run(release, Options.parse(List.of(arguments), release));
        } catch (StartupFailure failure) {
            Log.line("F", "CONTROL", failure.getMessage());
            Log.line("I", "CONTROL", "shutting down with code:" + failure.exitCode());
            System.exit(failure.exitCode());
        }
    }

    private static void run(Release release, Options options) throws StartupFailure, InterruptedException {
        Log.line("I", "CONTROL", "MongoDB starting : pid=" + ProcessHandle.current().pid() + " port=" + options.port() + " dbpath="
            + options.dataDirectory() + " (stand-in of the test bed)");
        Log.line("I", "CONTROL", "db version v" + release.version());
        DataDirectory directory = DataDirectory.open(options.dataDirectory(), release);
        Backend backend = new Backend(directory, release);
        MongoServer server = new MongoServer(backend);
        try {
            server.bind(new InetSocketAddress(options.address(), options.port()));
        } catch (RuntimeException e) {
            throw new StartupFailure(StartupFailure.NET_ERROR, "Failed to set up listener: SocketException: " + e.getMessage());
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, backend, directory, release)));
        Log.line("I", "STORAGE", "featureCompatibilityVersion " + directory.featureCompatibilityVersion());
        Log.line("I", "NETWORK", "waiting for connections on port " + options.port());
        new CountDownLatch(1).await();
    }

    private static void stop(MongoServer server, Backend backend, DataDirectory directory, Release release) {
        Log.line("I", "CONTROL", "got signal 15 (Terminated), will terminate after current cmd ends");
        server.stopListening();
        try {
            backend.answerNobodyAnyMore();
            directory.leaveWiredTigerFiles(backend, release);
            server.shutdownNow();
            directory.close();
            Log.line("I", "CONTROL", "now exiting");
            Log.line("I", "CONTROL", "shutting down with code:0");
        } catch (IOException e) {
            Log.line("E", "STORAGE", "closing the data directory: " + e);
            Runtime.getRuntime().halt(StartupFailure.UNUSABLE_DATA);
        }
        Runtime.getRuntime().halt(0); // the JVM would report 143 for SIGTERM, mongod reports 0
    }
}
