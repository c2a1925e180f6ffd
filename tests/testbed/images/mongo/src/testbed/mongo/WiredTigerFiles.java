package testbed.mongo;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.bson.BsonDecoder;
import de.bwaldvogel.mongo.wire.bson.BsonEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;

/**
 * The files that a stopped server leaves: those of WiredTiger, made and read by WiredTiger itself in {@code wiredtiger-files},
 * which also tells the form in which documents go between the two.
 */
final class WiredTigerFiles {

    private static final String PROGRAM = "/usr/local/bin/wiredtiger-files";
    private static final String VERSIONS = "admin.system.version";
    private static final int AT_A_TIME = 500;

    private WiredTigerFiles() {
    }

    static boolean areIn(Path directory) {
        return Files.exists(directory.resolve("WiredTiger.turtle"));
    }

    static void remove(Path directory) throws IOException {
        finish(new ProcessBuilder(PROGRAM, "remove", directory.toString()).inheritIO().start());
    }

    /** Writes all documents of a server that nobody speaks to any more. */
    static void write(Path directory, MongoBackend backend, String version, String features) throws IOException {
        Process process = new ProcessBuilder(PROGRAM, "write", directory.toString(), version, features)
            .redirectError(ProcessBuilder.Redirect.INHERIT).redirectOutput(ProcessBuilder.Redirect.INHERIT).start();
        EmbeddedChannel channel = new EmbeddedChannel();
        try (OutputStream out = new BufferedOutputStream(process.getOutputStream())) {
            Document listed = backend.handleCommand(channel, "admin", "listDatabases", new Document("listDatabases", 1));
            for (Object database : (List<?>) listed.get("databases")) {
                String name = (String) ((Document) database).get("name");
                for (Document collection : firstBatch(backend, channel, name, new Document("listCollections", 1))) {
                    writeCollection(out, backend, channel, name, (String) collection.get("name"));
                }
            }
        }
        finish(process);
    }

    private static void writeCollection(OutputStream out, MongoBackend backend, EmbeddedChannel channel, String database, String name)
        throws IOException {
        String namespace = database + "." + name;
        if (name.startsWith("system.") || namespace.startsWith("local.") || namespace.equals(VERSIONS)) {
            return;
        }
        List<Document> indexes = firstBatch(backend, channel, database, new Document("listIndexes", name));
        put(out, new Document("collection", namespace).append("indexes", indexes));
        Document find = new Document("find", name).append("batchSize", Integer.MAX_VALUE);
        for (Document document : firstBatch(backend, channel, database, find)) {
            put(out, document);
        }
        put(out, new Document());
    }

    private static List<Document> firstBatch(MongoBackend backend, EmbeddedChannel channel, String database, Document query) {
        String command = query.keySet().iterator().next();
        Document answer = backend.handleCommand(channel, database, command, query.append("$db", database));
        List<?> batch = (List<?>) ((Document) answer.get("cursor")).get("firstBatch");
        return batch.stream().map(Document.class::cast).toList();
    }

    /**
     * Takes over all documents of a stopped server, unless {@code mayOpen} says of its feature compatibility version that
     * they are not to be. Returns that version.
     */
    static String read(Path directory, MongoBackend backend, Predicate<String> mayOpen) throws IOException {
        Process process = new ProcessBuilder(PROGRAM, "read", directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        EmbeddedChannel channel = new EmbeddedChannel();
        String features = null;
        try (InputStream in = new BufferedInputStream(process.getInputStream())) {
            for (Document header = get(in); header != null; header = get(in)) {
                String namespace = (String) header.get("collection");
                if (namespace.equals(VERSIONS)) {
                    features = version(in);
                    if (features != null && !mayOpen.test(features)) {
                        process.destroyForcibly();
                        return features;
                    }
                } else if (namespace.startsWith("local.")) {
                    while (!get(in).isEmpty()) {
                        continue;
                    }
                } else {
                    readCollection(in, backend, channel, namespace, (List<?>) header.get("indexes"));
                }
            }
        }
        finish(process);
        return features;
    }

    private static String version(InputStream in) throws IOException {
        String found = null;
        for (Document document = get(in); !document.isEmpty(); document = get(in)) {
            if ("featureCompatibilityVersion".equals(document.get("_id"))) {
                found = (String) document.get("version");
            }
        }
        return found;
    }

    private static void readCollection(InputStream in, MongoBackend backend, EmbeddedChannel channel, String namespace, List<?> indexes)
        throws IOException {
        int dot = namespace.indexOf('.');
        String database = namespace.substring(0, dot);
        String name = namespace.substring(dot + 1);
        command(backend, channel, database, new Document("create", name));
        List<Document> documents = new java.util.ArrayList<>();
        for (Document document = get(in); !document.isEmpty(); document = get(in)) {
            documents.add(document);
            if (documents.size() == AT_A_TIME) {
                command(backend, channel, database, new Document("insert", name).append("documents", List.copyOf(documents)));
                documents.clear();
            }
        }
        if (!documents.isEmpty()) {
            command(backend, channel, database, new Document("insert", name).append("documents", documents));
        }
        List<?> others = indexes.stream().filter(index -> !"_id_".equals(((Document) index).get("name"))).toList();
        if (!others.isEmpty()) {
            command(backend, channel, database, new Document("createIndexes", name).append("indexes", others));
        }
    }

    private static void command(MongoBackend backend, EmbeddedChannel channel, String database, Document query) throws IOException {
        String command = query.keySet().iterator().next();
        Document answer = backend.handleCommand(channel, database, command, query.append("$db", database));
        if (answer.containsKey("writeErrors")) {
            throw new IOException(command + " of " + query.get(command) + ": " + answer);
        }
    }

    private static void put(OutputStream out, Document document) throws IOException {
        ByteBuf buffer = Unpooled.buffer();
        BsonEncoder.encodeDocument(document, buffer);
        buffer.readBytes(out, buffer.readableBytes());
    }

    /** The next document; null at the end. */
    private static Document get(InputStream in) throws IOException {
        byte[] length = in.readNBytes(Integer.BYTES);
        if (length.length < Integer.BYTES) {
            return null;
        }
        ByteBuf buffer = Unpooled.buffer().writeBytes(length);
        int rest = buffer.getIntLE(0) - Integer.BYTES;
        buffer.writeBytes(in.readNBytes(rest));
        return BsonDecoder.decodeBson(buffer);
    }

    private static void finish(Process process) throws IOException {
        try {
            int code = process.waitFor();
            if (code != 0) {
                throw new IOException("wiredtiger-files ended with " + code);
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
