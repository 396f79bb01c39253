//! How the controller and the agent on a target talk: length-prefixed frames on the channel's stdin and stdout, half duplex per context.
//!
//! The agent speaks first, with [`Hello`]: if its [`BUILD`] is not the controller's, the controller replaces it. Then each request gets any
//! number of progress replies and one final [`Reply`]. Context 0 is the agent itself; [`Request::Become`] makes further contexts, each an
//! agent of another user started by this one, whose frames it forwards. Requests of different contexts may overlap.

mod become_user;
mod codec;
mod context_child;
mod message;
mod password_prompt;
mod serve;

pub use codec::{ChunkWriter, Decoder, Frame, FrameError, Kind, MAX_MESSAGE, MAX_PAYLOAD, read_frame};
pub use message::{BecomeError, BecomeMethod, BecomeRequest, Hello, Message, Messages, Reply, Request, send};
pub use password_prompt::asks_for_password;
pub use serve::{ServeOptions, serve};

/// Names the sources this program was built from. Controller and agent of one tree have the same, whatever their profiles.
pub const BUILD: &str = env!("TASKBOX_BUILD");
