package testbed.mongo;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;

/** The command line of mongod, as far as stock files use it. Everything else is refused, as mongod refuses a typing error. */
record Options(Path dataDirectory, String address, int port) {

    static Options parse(List<String> arguments, Release release) throws StartupFailure {
        Path dataDirectory = Path.of("/data/db");
        String address = "127.0.0.1";
        int port = 27017;
        Iterator<String> rest = arguments.iterator();
        while (rest.hasNext()) {
            String argument = rest.next();
            int equals = argument.indexOf('=');
            String name = equals < 0 ? argument : argument.substring(0, equals);
            String inline = equals < 0 ? null : argument.substring(equals + 1);
            switch (name) {
                case "--dbpath" -> dataDirectory = Path.of(value(name, inline, rest));
                case "--port" -> port = Integer.parseInt(value(name, inline, rest));
                case "--bind_ip" -> address = value(name, inline, rest);
                case "--bind_ip_all" -> address = "0.0.0.0";
                case "--wiredTigerCacheSizeGB" -> value(name, inline, rest);
                case "--setParameter" -> checkParameter(value(name, inline, rest), release);
                default -> throw new StartupFailure(StartupFailure.BAD_OPTIONS,
                    "Error parsing command line: unrecognised option '" + name + "'");
            }
        }
        return new Options(dataDirectory, address, port);
    }

    private static String value(String name, String inline, Iterator<String> rest) throws StartupFailure {
        if (inline != null) {
            return inline;
        }
        if (!rest.hasNext()) {
            throw new StartupFailure(StartupFailure.BAD_OPTIONS,
                "Error parsing command line: the required argument for option '" + name + "' is missing");
        }
        return rest.next();
    }

    private static void checkParameter(String assignment, Release release) throws StartupFailure {
        int equals = assignment.indexOf('=');
        String name = equals < 0 ? assignment : assignment.substring(0, equals);
        if (equals < 0 || !release.knowsParameter(name)) {
            throw new StartupFailure(StartupFailure.FAILURE,
                "Failed global initialization: BadValue: Unknown --setParameter '" + name + "'");
        }
    }
}
