package testbed.mongo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;

import de.bwaldvogel.mongo.backend.h2.H2Backend;

/**
 * A data directory: who holds it, which release may open it, and the store inside.
 *
 * <p>{@code mongod.lock} holds the process id while a server runs and is emptied, not removed, by a clean shutdown; it and
 * {@code WiredTiger.lock} carry a POSIX record lock that dies with the process. While a server runs, and after it was killed, the
 * documents are in H2's store, and {@code WiredTiger} is no more than the marker by which a MongoDB data directory is recognised;
 * its second line says so. A server that is stopped leaves the files of WiredTiger instead: see {@link WiredTigerFiles}.
 */
final class DataDirectory implements AutoCloseable {

    private static final String STORE_FILE = "documents.mv.db";
    private static final String MARKER = "WiredTiger\ndocuments are kept by H2's MVStore in " + STORE_FILE + " (test bed)\n";
    private static final String FCV_MAP = "testbed.featureCompatibilityVersion";
    private static final String FCV_KEY = "version";

    private final Path path;
    private final FileChannel mongodLock;
    private final FileChannel storageLock;
    private final MVStore store;
    private boolean written;

    private DataDirectory(Path path, FileChannel mongodLock, FileChannel storageLock, MVStore store) {
        this.path = path;
        this.mongodLock = mongodLock;
        this.storageLock = storageLock;
        this.store = store;
    }

    static DataDirectory open(Path directory, Release release) throws StartupFailure {
        if (!Files.isDirectory(directory)) {
            throw new StartupFailure(StartupFailure.UNUSABLE_DATA, "exception in initAndListen: NonExistentPath: Data directory "
                + directory + " not found., terminating");
        }
        FileChannel mongodLock = lock(directory, "mongod.lock");
        FileChannel storageLock = lock(directory, "WiredTiger.lock");
        try {
            if (mongodLock.size() > 0) {
                Log.line("W", "STORAGE", "Detected unclean shutdown - " + directory.resolve("mongod.lock") + " is not empty.");
            }
            Path file = directory.resolve(STORE_FILE);
            Path marker = directory.resolve("WiredTiger");
            if (Files.exists(file) && Files.size(file) > 0) {
                checkVersion(file, release);
                // What the last clean stop has left is older than that.
                WiredTigerFiles.remove(directory);
            } else if (WiredTigerFiles.areIn(directory)) {
                takeOver(directory, file, release);
            } else if (Files.exists(marker) && !Files.exists(file)) {
                throw new StartupFailure(StartupFailure.UNUSABLE_DATA, directory + " holds data that this stand-in cannot read");
            }
            rewrite(mongodLock, ProcessHandle.current().pid() + "\n");
            Files.writeString(marker, MARKER);
            MVStore store = new MVStore.Builder().fileName(file.toString()).open();
            // Space is used again at once: each write is a commit, and the default would keep 45 seconds of them.
            store.setRetentionTime(0);
            store.setVersionsToKeep(0);
            store.<String, String>openMap(FCV_MAP).putIfAbsent(FCV_KEY, release.series());
            store.commit();
            return new DataDirectory(directory, mongodLock, storageLock, store);
        } catch (IOException e) {
            throw new StartupFailure(StartupFailure.UNUSABLE_DATA, "exception in initAndListen: " + e + ", terminating");
        }
    }

    /** Puts the documents of a stopped server into a store, and removes its files once they are all there. */
    private static void takeOver(Path directory, Path file, Release release) throws StartupFailure, IOException {
        Path making = directory.resolve(STORE_FILE + ".making");
        Files.deleteIfExists(making);
        MVStore store = new MVStore.Builder().fileName(making.toString()).open();
        try {
            String found = WiredTigerFiles.read(directory, new H2Backend(store), release::supports);
            if (found != null) {
                requireSupported(found, release);
                store.<String, String>openMap(FCV_MAP).put(FCV_KEY, found);
            }
            store.commit();
            store.close();
            Files.move(making, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            if (!store.isClosed()) {
                store.closeImmediately();
            }
            Files.deleteIfExists(making);
        }
        WiredTigerFiles.remove(directory);
    }

    /** Leaves the files of WiredTiger in the place of the store. */
    void leaveWiredTigerFiles(Backend backend, Release release) throws IOException {
        WiredTigerFiles.write(path, backend, release.version(), featureCompatibilityVersion());
        written = true;
    }

    MVStore store() {
        return store;
    }

    String featureCompatibilityVersion() {
        return fcvMap().get(FCV_KEY);
    }

    void setFeatureCompatibilityVersion(String version) {
        fcvMap().put(FCV_KEY, version);
        store.commit();
    }

    private MVMap<String, String> fcvMap() {
        return store.openMap(FCV_MAP);
    }

    /** Reads the stamp without opening the store for writing: a refused start must leave the data as it was. */
    private static void checkVersion(Path file, Release release) throws StartupFailure {
        String found;
        MVStore store = new MVStore.Builder().fileName(file.toString()).readOnly().open();
        try {
            if (!store.hasMap(FCV_MAP)) {
                return; // cut off while it was created
            }
            found = store.<String, String>openMap(FCV_MAP).get(FCV_KEY);
        } finally {
            store.closeImmediately();
        }
        requireSupported(found, release);
    }

    private static void requireSupported(String found, Release release) throws StartupFailure {
        if (found != null && release.supports(found)) {
            return;
        }
        if (found != null && release.isOlderThanThis(found)) {
            throw new StartupFailure(StartupFailure.NEED_UPGRADE, "** IMPORTANT: UPGRADE PROBLEM: The data files need to be fully "
                + "upgraded to version " + release.previousSeries() + " before attempting an upgrade to " + release.series()
                + "; see http://dochub.mongodb.org/core/" + release.series() + "-upgrade-fcv for more details. (found "
                + found + ")");
        }
        throw new StartupFailure(StartupFailure.NEED_UPGRADE, "** IMPORTANT: UPGRADE PROBLEM: Found an invalid "
            + "featureCompatibilityVersion document (ERROR: BadValue: Invalid value for version, found " + found + ", expected '"
            + release.series() + "' or '" + release.previousSeries() + "').");
    }

    private static FileChannel lock(Path directory, String name) throws StartupFailure {
        Path file = directory.resolve(name);
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new StartupFailure(StartupFailure.UNUSABLE_DATA, "exception in initAndListen: IllegalOperation: Attempted to "
                + "create a lock file on a read-only directory: " + directory + " (" + e + "), terminating");
        }
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (IOException | OverlappingFileLockException e) {
            Log.line("E", "STORAGE", "locking " + file + ": " + e);
        }
        throw new StartupFailure(StartupFailure.UNUSABLE_DATA, "exception in initAndListen: DBPathInUse: Unable to lock the lock "
            + "file: " + file + " (Resource temporarily unavailable). Another mongod instance is already running on the "
            + directory + " directory, terminating");
    }

    private static void rewrite(FileChannel channel, String text) throws IOException {
        channel.truncate(0);
        channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)), 0);
        channel.force(true);
    }

    /** Flushes the store, or removes it where WiredTiger has it all, and empties the lock file. Closing the channels releases the locks. */
    @Override
    public void close() throws IOException {
        if (!store.isClosed()) {
            store.close();
        }
        if (written) {
            Files.delete(path.resolve(STORE_FILE));
        }
        rewrite(mongodLock, "");
        storageLock.close();
        mongodLock.close();
    }
}
