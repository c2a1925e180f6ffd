//! Images.

use super::{Part, Problem, Rules};
use crate::compose::interpolate;
use crate::compose::roles::image_name;
use crate::release::MongoImage;
use crate::role::Role;

impl Rules<'_> {
    /// Pins the images of the release.
    pub(super) fn images(&mut self) -> Result<(), Problem> {
        for (service, role) in self.roles.clone() {
            if role == Role::Other {
                continue;
            }
            for part in self.parts(&service) {
                self.refuse_build(&service, role, &part)?;
                self.image(&service, role, &part)?;
            }
        }
        Ok(())
    }

    /// An image that is built here holds the old server, whatever tag it is given.
    fn refuse_build(&self, service: &str, role: Role, part: &Part) -> Result<(), Problem> {
        let ours = matches!(role, Role::Apiserver | Role::Webserver | Role::Fileserver | Role::Elasticsearch);
        let at = part.at.key("build");
        if !ours || self.value(part.file, &at).is_none_or(serde_json::Value::is_null) {
            return Ok(());
        }
        Err(Problem {
            file: part.file,
            at,
            message: format!(
                "The service {service} builds its own image, which this program cannot bring to the new release"
            ),
            hint: format!(
                "Replace `build:` by the image that you want to run, for example `image: {}`, and start again.",
                self.pinned(role)
            ),
        })
    }

    fn image(&mut self, service: &str, role: Role, part: &Part) -> Result<(), Problem> {
        let at = part.at.key("image");
        let Some(text) = self.text(part.file, &at) else { return Ok(()) };
        let old = interpolate::resolve(&text, &self.request.variables.before).unwrap_or_else(|| text.clone());
        let new = match role {
            Role::Apiserver | Role::Webserver | Role::Fileserver => self.server_image(service, &old),
            Role::Elasticsearch => self.elasticsearch_image(service, &old),
            Role::AgentServices if is_stock_agent(&old) => {
                mirrored(&old, &self.pinned(role)).unwrap_or_else(|| self.pinned(role))
            }
            Role::Mongo => return self.check_mongo(service, part, &old),
            _ => return Ok(()),
        };
        if new == old {
            return Ok(());
        }
        if text != old {
            self.note(format!("The image of {service} was chosen by variables ({text}); it is now fixed to {new}."));
        }
        self.set(part.file, at, interpolate::escape(&new));
        Ok(())
    }

    fn server_image(&mut self, service: &str, old: &str) -> String {
        let stock = self.request.release.server();
        if let Some(image) = mirrored(old, &stock) {
            if image != stock {
                self.note(format!("{service} is pulled from your own registry: make sure that it has {image}."));
            }
            return image;
        }
        self.note(format!(
            "{service} ran an image of your own ({old}). It is replaced by {stock}; what you changed in that image is not carried over."
        ));
        stock
    }

    fn elasticsearch_image(&mut self, service: &str, old: &str) -> String {
        let stock = self.request.release.elasticsearch();
        if image_name(old) != "elasticsearch" {
            self.note(format!("{service} ran an image of your own ({old}). It is replaced by {stock}; plugins in that image are not carried over."));
            return stock;
        }
        let repository = old.split('@').next().unwrap_or(old);
        let cut = repository.rfind('/').map_or(0, |slash| slash + 1);
        let repository = format!("{}elasticsearch", repository.get(..cut).unwrap_or_default());
        let image = format!("{repository}:{}", self.request.release.elasticsearch_version);
        if image != stock {
            self.note(format!(
                "{service} is not pulled from docker.elastic.co: make sure that your registry has {image}."
            ));
        }
        image
    }

    fn check_mongo(&self, service: &str, part: &Part, old: &str) -> Result<(), Problem> {
        let series = self.request.release.mongo_series;
        let (message, advice) = match self.request.release.mongo_image(tag(old)) {
            MongoImage::Stays => return Ok(()),
            MongoImage::Unknown => (
                format!("The image of {service}, {old}, does not say which MongoDB it is"),
                format!(
                    "Ask the one that runs, docker compose exec {service} mongod --version, and if it says {series}, write that \
                     tag, for example mongo:3.6.5. Otherwise leave it."
                ),
            ),
            // What wrote the data is not known here, so that no other tag can be advised.
            MongoImage::OtherSeries => (
                format!("The image of {service}, {old}, is not a MongoDB {series}"),
                "Start no older MongoDB on data that a newer one has written: it would refuse or harm them.".to_owned(),
            ),
        };
        Err(Problem {
            file: part.file,
            at: part.at.key("image"),
            message,
            hint: format!("Release {} runs on MongoDB {series}. {advice}", self.request.release.version),
        })
    }

    fn pinned(&self, role: Role) -> String {
        match role {
            Role::Elasticsearch => self.request.release.elasticsearch(),
            Role::AgentServices => self.request.release.agent_image.to_owned(),
            _ => self.request.release.server(),
        }
    }
}

/// Whether an image is upstream's services agent, from any registry.
pub(super) fn is_stock_agent(image: &str) -> bool {
    matches!(image_name(image), "trains-agent-services" | "clearml-agent-services" | "trains-agent")
        && image.contains("allegroai/")
}

/// Returns `stock` below the registry of `old`; `None` if `old` is not upstream's image, mirrored or not.
fn mirrored(old: &str, stock: &str) -> Option<String> {
    let upstream = ["trains", "clearml", "trains-agent-services", "clearml-agent-services", "trains-agent"];
    let at = old.find("allegroai/").filter(|at| *at == 0 || old.as_bytes().get(at - 1) == Some(&b'/'))?;
    upstream.contains(&image_name(old)).then(|| format!("{}{stock}", old.get(..at).unwrap_or_default()))
}

fn tag(image: &str) -> Option<&str> {
    let name = image.split('@').next().unwrap_or(image);
    name.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag)
}
