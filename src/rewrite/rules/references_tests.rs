use super::*;

#[test]
fn a_host_is_a_whole_word_and_no_part_of_a_path() {
    let replaced = |text: &str| replace_host(text, "trains-elastic", "clearml-elastic");
    let changed = [
        "trains-elastic",
        "http://trains-elastic",
        "http://trains-elastic:9200/x",
        "--es.uri=http://trains-elastic:9200",
        "container:trains-elastic",
        "a,trains-elastic,b",
        "user:pw@trains-elastic/x",
        "Ask trains-elastic.",
    ];
    for text in changed {
        assert_eq!(replaced(text), text.replace("trains-elastic", "clearml-elastic"));
    }
    for text in
        ["trains-elastic2", "my-trains-elastic", "trains-elastic.lan", "/srv/trains-elastic", "a_trains-elastic"]
    {
        assert_eq!(replaced(text), text);
    }
}
