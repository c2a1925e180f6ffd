package testbed.mongo;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import de.bwaldvogel.mongo.bson.Document;

/**
 * {@code mongo} (up to 5.0) and {@code mongosh} (from 6.0) for a documented handful of expressions; see the README of this folder.
 * It evaluates no JavaScript: whatever it does not recognise exactly, it refuses with exit code 1.
 */
public final class Shell {

    private static final String LIST_VERSIONS =
        "JSON.stringify(db.getSiblingDB(\"backend\").versions.find().toArray().map(function(v){return v.num}))";
    private static final String COUNT_EXPERIMENTS =
        "JSON.stringify([db.getSiblingDB(\"backend\").company.count(),db.getSiblingDB(\"backend\").task.count(),"
            + "db.getSiblingDB(\"backend\").task.count({started:{$ne:null}})])";
    private static final String COUNT_DOCUMENTS =
        "JSON.stringify(db.adminCommand({listDatabases:1}).databases.map(function(d){return d.name})"
        + ".filter(function(n){return [\"admin\",\"config\",\"local\"].indexOf(n)<0})"
        + ".reduce(function(all,n){db.getSiblingDB(n).getCollectionNames().forEach("
        + "function(c){all[n+\".\"+c]=Number(db.getSiblingDB(n).getCollection(c).count())});return all},{}))";
    private static final Set<String> OF_MONGODB = Set.of("admin", "config", "local");
    private static final Pattern STRINGIFY = Pattern.compile("JSON\\.stringify\\((.*)\\)", Pattern.DOTALL);
    private static final Pattern ADMIN_COMMAND = Pattern.compile("db\\.adminCommand\\((\\{.*\\})\\)", Pattern.DOTALL);
    private static final Set<String> COMMANDS =
        Set.of("setFeatureCompatibilityVersion", "getParameter", "ping", "buildInfo", "serverStatus");

    private final Connection connection;
    private final boolean modern;

    private Shell(Connection connection, boolean modern) {
        this.connection = connection;
        this.modern = modern;
    }

    public static void main(String[] arguments) {
        Release release = Release.parse(System.getenv("MONGO_VERSION"));
        boolean modern = release.seriesIndex() >= Release.parse("6.0.0").seriesIndex();
        String host = "127.0.0.1";
        int port = 27017;
        boolean quiet = false;
        String expression = null;
        Deque<String> rest = new ArrayDeque<>(List.of(arguments));
        while (!rest.isEmpty()) {
            String argument = rest.pop();
            switch (argument) {
                case "--quiet" -> quiet = true;
                case "--norc" -> { }
                case "--eval" -> expression = rest.poll();
                case "--host" -> host = rest.pop();
                case "--port" -> port = Integer.parseInt(rest.pop());
                default -> {
                    if (!argument.matches("[A-Za-z_]+")) { // a database name: every supported expression names its own
                        refuse("argument " + argument);
                    }
                }
            }
        }
        if (expression == null) {
            refuse("an interactive session");
        }
        if (!quiet) {
            System.out.println("MongoDB shell version v" + release.version());
            System.out.println("connecting to: mongodb://" + host + ":" + port + "/");
        }
        try (Connection connection = new Connection(host, port)) {
            new Shell(connection, modern).evaluate(expression.strip().replaceFirst(";$", ""));
        } catch (IOException e) {
            System.err.println("Error: couldn't connect to server " + host + ":" + port + ": " + e.getMessage());
            System.exit(1);
        }
    }

    private void evaluate(String expression) throws IOException {
        if (expression.equals(LIST_VERSIONS)) {
            StringJoiner numbers = new StringJoiner(",", "[", "]");
            for (Document version : findAll("backend", "versions")) {
                numbers.add(ShellFormat.json(version.get("num")));
            }
            System.out.println(numbers);
            return;
        }
        if (expression.equals(COUNT_EXPERIMENTS)) {
            Document started = new Document("started", new Document("$ne", null));
            System.out.println("[" + count("company", new Document()) + "," + count("task", new Document()) + ","
                + count("task", started) + "]");
            return;
        }
        if (expression.equals(COUNT_DOCUMENTS)) {
            System.out.println(ShellFormat.json(countAll()));
            return;
        }
        if (expression.equals("db.version()")) {
            System.out.println(connection.run("admin", new Document("buildInfo", 1)).get("version"));
            return;
        }
        Matcher stringify = STRINGIFY.matcher(expression);
        boolean json = stringify.matches();
        Matcher command = ADMIN_COMMAND.matcher(json ? stringify.group(1) : expression);
        if (!command.matches()) {
            refuse(expression);
        }
        Document parsed = ShellFormat.parseObject(command.group(1));
        if (parsed == null || parsed.isEmpty() || !COMMANDS.contains(parsed.keySet().iterator().next())) {
            refuse(expression);
        }
        Document answer = connection.run("admin", parsed);
        boolean failed = !Double.valueOf(1).equals(((Number) answer.get("ok")).doubleValue());
        if (failed && modern) { // mongosh throws, mongo prints the answer and exits with 0
            System.err.println("MongoServerError: " + answer.get("errmsg"));
            System.exit(1);
        }
        System.out.println(json ? ShellFormat.json(answer) : ShellFormat.shell(answer, modern));
    }

    private long count(String collection, Document query) throws IOException {
        Document answer = connection.run("backend", new Document("count", collection).append("query", query));
        if (!(answer.get("n") instanceof Number counted)) {
            throw new IOException("unexpected answer: " + answer);
        }
        return counted.longValue();
    }

    private List<Document> findAll(String database, String collection) throws IOException {
        // one batch holds far more than the dozen of stamps that a server makes
        Document answer = connection.run(database, new Document("find", collection).append("batchSize", 10_000));
        if (!(answer.get("cursor") instanceof Map<?, ?> cursor) || !(cursor.get("firstBatch") instanceof List<?> batch)) {
            throw new IOException("unexpected answer: " + answer);
        }
        return batch.stream().map(Document.class::cast).toList();
    }

    private Document countAll() throws IOException {
        Document counts = new Document();
        for (Object listed : (List<?>) connection.run("admin", new Document("listDatabases", 1)).get("databases")) {
            String database = (String) ((Document) listed).get("name");
            if (!OF_MONGODB.contains(database)) {
                Document answer = connection.run(database, new Document("listCollections", 1));
                for (Object collection : (List<?>) ((Document) answer.get("cursor")).get("firstBatch")) {
                    String name = (String) ((Document) collection).get("name");
                    counts.put(database + "." + name, connection.run(database, new Document("count", name)).get("n"));
                }
            }
        }
        return counts;
    }

    private static void refuse(String what) {
        System.err.println("not supported by the stand-in: " + what);
        System.exit(1);
    }
}
