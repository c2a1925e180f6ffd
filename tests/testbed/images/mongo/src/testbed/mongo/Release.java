package testbed.mongo;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import de.bwaldvogel.mongo.MongoVersion;

/**
 * A MongoDB release and the rules that differ between releases.
 *
 * <p>Source of the rules: MongoDB's manual, "Upgrade a Standalone" of each series. A release opens data files whose feature
 * compatibility version is its own or the one before; nothing else.
 */
record Release(String version, List<Integer> parts, int seriesIndex) implements MongoVersion {

    private static final List<String> SERIES = List.of("3.4", "3.6", "4.0", "4.2", "4.4", "5.0", "6.0", "7.0");

    /** Wire protocol versions of {@link #SERIES}, as MongoDB numbers them. */
    private static final List<Integer> WIRE_VERSIONS = List.of(5, 6, 7, 8, 9, 13, 17, 21);

    /** The newest wire protocol that mongo-java-server speaks; announcing more would make drivers use what it lacks. */
    private static final int SPOKEN_WIRE_VERSION = 8;

    /** Accepted by every release, and without meaning here. */
    private static final Set<String> COMMON_PARAMETERS = Set.of("diagnosticDataCollectionEnabled", "logLevel");

    /** @throws IllegalArgumentException when the stand-in does not know the series */
    static Release parse(String version) {
        List<Integer> parts = new ArrayList<>();
        for (String part : version.split("\\.")) {
            parts.add(Integer.valueOf(part));
        }
        if (parts.size() != 3) {
            throw new IllegalArgumentException("not a MongoDB version: " + version);
        }
        int index = SERIES.indexOf(parts.get(0) + "." + parts.get(1));
        if (index < 1) {
            throw new IllegalArgumentException("no rules are known for MongoDB " + version);
        }
        return new Release(version, List.copyOf(parts), index);
    }

    /** The release's own feature compatibility version, for example "3.6". */
    String series() {
        return SERIES.get(seriesIndex);
    }

    String previousSeries() {
        return SERIES.get(seriesIndex - 1);
    }

    /** May this release open data of that feature compatibility version, and set it? */
    boolean supports(String featureCompatibilityVersion) {
        return featureCompatibilityVersion.equals(series()) || featureCompatibilityVersion.equals(previousSeries());
    }

    boolean isOlderThanThis(String featureCompatibilityVersion) {
        return SERIES.indexOf(featureCompatibilityVersion) < seriesIndex;
    }

    /** From 7.0 on, setFeatureCompatibilityVersion wants {@code confirm: true}. */
    boolean wantsConfirmation() {
        return seriesIndex >= SERIES.indexOf("7.0");
    }

    /** The limit of in-memory sorts was renamed in 4.4; each release refuses the other's name. */
    boolean knowsParameter(String name) {
        boolean renamed = seriesIndex >= SERIES.indexOf("4.4");
        String sortLimit = renamed ? "internalQueryMaxBlockingSortMemoryUsageBytes" : "internalQueryExecMaxBlockingSortBytes";
        return name.equals(sortLimit) || COMMON_PARAMETERS.contains(name);
    }

    @Override
    public List<Integer> getVersionArray() {
        return parts;
    }

    @Override
    public int getWireVersion() {
        return Math.min(WIRE_VERSIONS.get(seriesIndex), SPOKEN_WIRE_VERSION);
    }
}
