package testbed.mongo;

import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import de.bwaldvogel.mongo.bson.Document;

/** How the shells write values, and the flat object literals that they are given. */
final class ShellFormat {

    private static final Pattern MEMBER = Pattern.compile(
        "\\s*(?:\"(\\w+)\"|'(\\w+)'|(\\w+))\\s*:\\s*(?:\"([^\"\\\\]*)\"|'([^'\\\\]*)'|(true|false)|(\\d+))\\s*(,|$)");

    private ShellFormat() {
    }

    /** An object of strings, integers and booleans such as {@code {getParameter: 1, "x": true}}; null for anything else. */
    static Document parseObject(String literal) {
        String inside = literal.substring(1, literal.length() - 1);
        Document document = new Document();
        Matcher member = MEMBER.matcher(inside);
        int end = 0;
        while (end < inside.length()) {
            if (!member.find(end) || member.start() != end) {
                return null;
            }
            String key = firstOf(member.group(1), member.group(2), member.group(3));
            String text = firstOf(member.group(4), member.group(5));
            if (text != null) {
                document.put(key, text);
            } else if (member.group(6) != null) {
                document.put(key, Boolean.valueOf(member.group(6)));
            } else {
                document.put(key, Integer.valueOf(member.group(7)));
            }
            end = member.end();
        }
        return document;
    }

    static String json(Object value) {
        return write(value, "{", "}", ",", ":", true);
    }

    /** {@code mongo}: <code>{ "ok" : 1 }</code>; {@code mongosh}: <code>{ ok: 1 }</code>. */
    static String shell(Object value, boolean modern) {
        return modern ? write(value, "{ ", " }", ", ", ": ", false) : write(value, "{ ", " }", ", ", " : ", true);
    }

    private static String write(Object value, String open, String close, String comma, String colon, boolean quoteKeys) {
        if (value instanceof Map<?, ?> map) {
            StringJoiner members = new StringJoiner(comma, open, close);
            map.forEach((key, member) -> members.add((quoteKeys ? "\"" + key + "\"" : key) + colon
                + write(member, open, close, comma, colon, quoteKeys)));
            return members.toString();
        }
        if (value instanceof List<?> list) {
            StringJoiner items = new StringJoiner(comma, "[", "]");
            list.forEach(item -> items.add(write(item, open, close, comma, colon, quoteKeys)));
            return items.toString();
        }
        if (value instanceof Double number && number == Math.rint(number)) {
            return Long.toString(number.longValue());
        }
        if (value == null || value instanceof Number || value instanceof Boolean) {
            return String.valueOf(value);
        }
        return quote(value.toString());
    }

    private static String quote(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }

    private static String firstOf(String... candidates) {
        for (String candidate : candidates) {
            if (candidate != null) {
                return candidate;
            }
        }
        return null;
    }
}
