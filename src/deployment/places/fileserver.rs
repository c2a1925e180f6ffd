//! The folder of the file server: `--upload-folder`, then `CLEARML_UPLOAD_FOLDER`, then `TRAINS_UPLOAD_FOLDER`
//! (upstream's `fileserver/fileserver.py`).

use super::Process;
use super::place::{Place, Unclear, absolute, by_default};
use super::process::option;
use crate::role::Role;

pub(super) fn place(process: &Process) -> Result<Place, Unclear> {
    let words: Vec<String> = process.command.iter().flat_map(|word| crate::compose::words::words(word)).collect();
    let by_command =
        option(&words, &["--upload-folder", "-u"]).map(|folder| (folder, "--upload-folder in its command"));
    let by_variable = |name| process.environment.get(name).map(|folder| (folder.as_str(), name));
    let variables = [
        ("CLEARML_UPLOAD_FOLDER", "CLEARML_UPLOAD_FOLDER in its environment"),
        ("TRAINS_UPLOAD_FOLDER", "TRAINS_UPLOAD_FOLDER in its environment"),
    ];
    let by_variable = variables.into_iter().find_map(|(name, setting)| Some((by_variable(name)?.0, setting)));
    match by_command.or(by_variable).filter(|(folder, _)| !folder.is_empty()) {
        None => Ok(by_default(Role::FILESERVER_DATA)),
        Some((folder, setting)) => {
            let folder = process.filled_in(folder)?;
            if !folder.starts_with('/') {
                return Err(Unclear::said(
                    format!("{setting} is {folder}, which begins in no known directory"),
                    "Write it as an absolute path, see that its files are there, and run the same command again.",
                ));
            }
            Ok(Place { path: absolute(&folder, "/"), setting: setting.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Command, environment, and what is said.
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

    #[test]
    fn it_is_told_by_command_variables_and_default_in_this_order() {
        let told = |command: &[&str], variables: &[(&str, &str)]| {
            let process = Process {
                command: command.iter().map(|word| (*word).to_owned()).collect(),
                environment: variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
                directory: String::new(),
            };
            place(&process).map(|place| format!("{} by {}", place.path, place.setting))
        };
        let both = [("TRAINS_UPLOAD_FOLDER", "/old"), ("CLEARML_UPLOAD_FOLDER", "/new/")];
        let cases: [Case<'_>; 5] = [
            (&["/opt/trains/wrapper.sh", "fileserver"], &[], "/mnt/fileserver by the image's default"),
            (&["fileserver"], &both[..1], "/old by TRAINS_UPLOAD_FOLDER in its environment"),
            (&["fileserver"], &both, "/new by CLEARML_UPLOAD_FOLDER in its environment"),
            (&["fileserver", "-u", "/given"], &both, "/given by --upload-folder in its command"),
            (
                &["sh", "-c", "python3 fileserver.py --upload-folder=/given"],
                &[],
                "/given by --upload-folder in its command",
            ),
        ];
        for (command, variables, expected) in cases {
            assert_eq!(told(command, variables).as_deref(), Ok(expected), "{command:?}");
        }
        assert!(told(&[], &[("TRAINS_UPLOAD_FOLDER", "uploads")]).is_err());
    }
}
