package testbed.mongo;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;

import de.bwaldvogel.mongo.backend.Utils;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.IndexNotFoundException;
import de.bwaldvogel.mongo.exception.MongoServerError;
import io.netty.channel.Channel;
import io.netty.channel.embedded.EmbeddedChannel;

/** mongo-java-server on H2, plus the administrative commands that a ladder of versions needs, and writes that survive SIGKILL. */
final class Backend extends H2Backend {

    private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findandmodify", "create", "createindexes",
        "drop", "dropindexes", "dropdatabase", "renamecollection");
    private static final int BAD_VALUE = 2;
    private static final int NAMESPACE_NOT_FOUND = 26;
    private static final int INVALID_OPTIONS = 72;
    private static final int CONFIRMATION_MISSING = 7369100;
    private static final String ID_INDEX = "_id_";

    private static final int SHUTTING_DOWN = 11600;

    private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock();
    private boolean isStopping;
    private final DataDirectory directory;
    private final Release release;

    Backend(DataDirectory directory, Release release) {
        super(directory.store());
        this.directory = directory;
        this.release = release;
        version(release);
    }

    /** From here on only the server itself is answered: what others have asked for is done, and nothing more of theirs. */
    void answerNobodyAnyMore() {
        gate.writeLock().lock();
        isStopping = true;
        gate.writeLock().unlock();
    }

    @Override
    public Document handleCommand(Channel channel, String database, String command, Document query) {
        gate.readLock().lock();
        try {
            if (isStopping && !(channel instanceof EmbeddedChannel)) {
                throw new MongoServerError(SHUTTING_DOWN, "InterruptedAtShutdown", "interrupted at shutdown");
            }
            return answer(channel, database, command, query);
        } finally {
            gate.readLock().unlock();
        }
    }

    private Document answer(Channel channel, String database, String command, Document query) {
        String name = command.toLowerCase(Locale.ROOT);
        if (database.equals("admin")) {
            switch (name) {
                case "setfeaturecompatibilityversion":
                    return setFeatureCompatibilityVersion(query, query.get(command));
                case "getparameter":
                    return getParameter(query);
                default:
                    break;
            }
        }
        if (name.equals("createindexes")) {
            query = withoutCompoundIndexes(query);
            if (((List<?>) query.get("indexes")).isEmpty()) {
                return okay(new Document("note", "all indexes already exist"));
            }
        }
        Document answer = name.equals("dropindexes")
            ? dropIndexes(channel, database, command, query)
            : super.handleCommand(channel, database, command, query);
        if (WRITES.contains(name)) {
            commit(); // MVStore would write up to a second later; a killed mongod loses no acknowledged, journaled write
        }
        return answer;
    }

    @Override
    public Document getServerStatus() {
        Document status = super.getServerStatus();
        status.put("process", "mongod");
        status.put("storageEngine", new Document("name", "wiredTiger").append("standIn", "H2 MVStore"));
        return status;
    }

    private Document setFeatureCompatibilityVersion(Document query, Object wanted) {
        if (!(wanted instanceof String version) || !release.supports(version)) {
            throw new MongoServerError(BAD_VALUE, "BadValue", "Invalid command argument. Expected '" + release.series() + "' or '"
                + release.previousSeries() + "', found " + wanted + " in: " + query);
        }
        if (release.wantsConfirmation() && !Utils.isTrue(query.get("confirm"))) {
            throw new MongoServerError(CONFIRMATION_MISSING, "Location" + CONFIRMATION_MISSING, "Once you have upgraded to "
                + release.series() + ", you will not be able to downgrade FCV and binary version without support assistance. "
                + "Please re-run this command with 'confirm: true' to acknowledge this and continue with the FCV upgrade.");
        }
        directory.setFeatureCompatibilityVersion(version);
        Log.line("I", "COMMAND", "featureCompatibilityVersion is now " + version);
        return okay(new Document());
    }

    private Document getParameter(Document query) {
        if (!Utils.isTrue(query.get("featureCompatibilityVersion"))) {
            throw new MongoServerError(INVALID_OPTIONS, "InvalidOptions", "no option found to get");
        }
        Document version = new Document("version", directory.featureCompatibilityVersion());
        return okay(new Document("featureCompatibilityVersion", version));
    }

    /** mongo-java-server lists compound non-unique indexes without having them, and then cannot drop them. */
    private static Document withoutCompoundIndexes(Document query) {
        List<?> indexes = (List<?>) query.get("indexes");
        List<?> kept = indexes.stream().filter(index -> {
            Document description = (Document) index;
            return Utils.isTrue(description.get("unique")) || ((Document) description.get("key")).size() < 2;
        }).toList();
        Document changed = new Document(query);
        changed.put("indexes", kept);
        return changed;
    }

    /**
     * mongo-java-server looks for "*" and for names among the indexes of all collections of the database: it fails at the
     * first that another one has, and forgets others of the same name. Here each index is found first, and dropped by its key.
     */
    private Document dropIndexes(Channel channel, String database, String command, Document query) {
        String collection = (String) query.get(command);
        List<Document> indexes = indexesOf(channel, database, collection);
        if (indexes.isEmpty()) {
            throw new MongoServerError(NAMESPACE_NOT_FOUND, "NamespaceNotFound", "ns not found");
        }
        List<?> wanted = query.get("index") instanceof List<?> several ? several : List.of(query.get("index"));
        for (Object one : wanted) {
            List<Document> meant = indexes.stream().filter(index -> isMeant(index, one)).toList();
            if (meant.isEmpty() && !one.equals("*")) {
                throw one instanceof Document key ? new IndexNotFoundException(key)
                    : new IndexNotFoundException("index not found with name [" + one + "]");
            }
            for (Document index : meant) {
                if (index.get("name").equals(ID_INDEX)) {
                    throw new MongoServerError(INVALID_OPTIONS, "InvalidOptions", "cannot drop _id index");
                }
                Document drop = new Document("dropIndexes", collection).append("index", index.get("key"));
                super.handleCommand(channel, database, "dropIndexes", drop);
            }
        }
        return okay(new Document("nIndexesWas", indexes.size()));
    }

    private static boolean isMeant(Document index, Object wanted) {
        if (wanted.equals("*")) {
            return !index.get("name").equals(ID_INDEX);
        }
        return wanted.equals(index.get(wanted instanceof String ? "name" : "key"));
    }

    private List<Document> indexesOf(Channel channel, String database, String collection) {
        Document listed = super.handleCommand(channel, database, "listIndexes", new Document("listIndexes", collection));
        List<?> batch = (List<?>) ((Document) listed.get("cursor")).get("firstBatch");
        return batch.stream().map(Document.class::cast).toList();
    }

    private static Document okay(Document answer) {
        Utils.markOkay(answer);
        return answer;
    }
}
