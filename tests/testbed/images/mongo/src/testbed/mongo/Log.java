package testbed.mongo;

import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;

/** Lines on standard output in the form of mongod's log up to 4.2. */
final class Log {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxx");

    private Log() {
    }

    static void line(String severity, String component, String message) {
        System.out.printf("%s %s %-8s %s%n", OffsetDateTime.now().format(TIME), severity, component, message);
        System.out.flush();
    }
}
