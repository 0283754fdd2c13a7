//! Which agents there are.

use serde::Serialize;

use super::model::Model;
use super::{Ask, Script, approval, echo, reasoning, steered, story, stumble, team};

/// The task identifier of the agent that a model answers for.
const MODEL: &str = "model";

/// The agents of this server.
pub(crate) struct Agents {
    model: Option<Model>,
}

/// One of them.
pub(crate) enum Agent<'a> {
    /// Knows its whole answer beforehand.
    Scripted(Scripted),
    /// Passes on what a model says while it says it.
    Model(&'a Model),
}

/// An agent as people meet it.
#[derive(Debug, Serialize)]
pub(crate) struct Profile {
    /// The task identifier that sessions name it by.
    pub(crate) id: &'static str,
    name: String,
    description: String,
}

impl Agents {
    /// The built-in agents, and the model where there is one.
    pub(crate) fn new(model: Option<Model>) -> Self {
        Self { model }
    }

    /// The agent of this task identifier.
    pub(crate) fn named(&self, id: &str) -> Option<Agent<'_>> {
        if id == MODEL {
            return self.model.as_ref().map(Agent::Model);
        }
        let scripted = Scripted::ALL.into_iter().find(|agent| agent.about().0 == id);
        scripted.map(Agent::Scripted)
    }

    /// All agents, in the order to show them in.
    pub(crate) fn profiles(&self) -> Vec<Profile> {
        let scripted = Scripted::ALL.into_iter().map(|agent| {
            let (id, name, description) = agent.about();
            Profile { id, name: name.to_owned(), description: description.to_owned() }
        });
        let model = self.model.as_ref().map(|model| Profile {
            id: MODEL,
            name: model.name().to_owned(),
            description: format!("Answers through {}.", model.host()),
        });
        scripted.chain(model).collect()
    }

    /// All task identifiers, as a refusal lists them.
    pub(crate) fn ids(&self) -> String {
        self.profiles().iter().map(|profile| profile.id).collect::<Vec<_>>().join(", ")
    }

    /// What to tell a user whose session has an agent that is not here.
    pub(crate) fn missing(id: &str) -> String {
        if id == MODEL {
            "There is no model here: start the server with --model-url and --model.".to_owned()
        } else {
            format!("There is no agent `{id}` here.")
        }
    }
}

/// An agent that is a pure function from what it is asked to a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripted {
    Echo,
    Story,
    Reasoning,
    Approval,
    Steered,
    Team,
    Stumble,
}

impl Scripted {
    const ALL: [Self; 7] = [
        Self::Echo,
        Self::Story,
        Self::Reasoning,
        Self::Approval,
        Self::Steered,
        Self::Team,
        Self::Stumble,
    ];

    /// Its task identifier, its name and what it does.
    fn about(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Echo => ("echo", "Echo", "Says back what you say."),
            Self::Story => ("story", "Story", "Tells one, as long and as fast as you like."),
            Self::Reasoning => ("reasoning", "Reasoning", "Thinks aloud first, then answers."),
            Self::Approval => ("approval", "Approval", "Asks you before it sends an email."),
            Self::Steered => ("steered", "Steered", "Tells a story, and hears you meanwhile."),
            Self::Team => ("team", "Team", "Has two others work for it, and shows their work."),
            Self::Stumble => ("stumble", "Stumble", "Fails in the middle of its answer."),
        }
    }

    /// The answer, or why there is none, as the user is to read it.
    pub(crate) fn answer(self, ask: &Ask) -> Result<Script, String> {
        match self {
            Self::Echo => echo::answer(ask),
            Self::Story => story::answer(ask),
            Self::Reasoning => reasoning::answer(ask),
            Self::Approval => approval::answer(ask),
            Self::Steered => steered::answer(ask),
            Self::Team => team::answer(ask),
            Self::Stumble => stumble::answer(ask),
        }
    }
}
