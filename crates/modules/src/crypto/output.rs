//! Writes what was made to its file, with backup and attributes, or removes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data::Value;

use crate::atomic_write::{self, AtomicFile};
use crate::file_attributes::{Changes, FileAttributes};
use crate::mode::FileMode;
use crate::{Args, Context, Failure};

/// The file of a module with the arguments `path`, `backup` and those of all files.
pub(super) struct Target {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What is there now.
    pub(super) existing: Option<Vec<u8>>,
    /// The name of the copy, once there is one.
    pub(super) backup: Option<String>,
    attributes: FileAttributes,
    wants_backup: bool,
    unsafe_writes: bool,
    secret: bool,
}

impl Target {
    /// Looks at the file. `secret`: nobody but its owner may read it, unless `mode` says otherwise.
    // Differs from Ansible: in check mode the folder may be one that an earlier task of the same check would have made.
    pub(super) fn look(args: &Args, secret: bool, context: &Context) -> Result<Self, Failure> {
        let path = args.path("path")?;
        let folder =
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        if !folder.is_dir() && !context.check {
            let shown = folder.display().to_string();
            let words = format!("The directory {shown} does not exist or the file is not a directory");
            return Err(Failure::new(words).with("name", shown));
        }
        let existing = match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::io("could not read", &path, &error)),
        };
        let mut attributes = FileAttributes::from_args(args)?;
        if secret && attributes.mode.is_none() {
            attributes.mode = Some(FileMode::parse(&Value::from("0600"))?);
        }
        let (wants_backup, unsafe_writes) = (args.bool("backup"), args.bool("unsafe_writes"));
        Ok(Self { path, existing, backup: None, attributes, wants_backup, unsafe_writes, secret })
    }

    /// Replaces the content, except in check mode.
    pub(super) fn write(&mut self, content: &[u8], context: &Context) -> Result<(), Failure> {
        self.keep_copy(context)?;
        if context.check {
            return Ok(());
        }
        let mut file = AtomicFile::begin(&self.path)?;
        if self.secret {
            file = file.secret();
        }
        file.fill(content)?;
        file.replace(self.unsafe_writes)
    }

    /// Sets owner, group and mode; tells whether something differed.
    pub(super) fn set_attributes(&self, context: &mut Context) -> Result<bool, Failure> {
        self.attributes.apply(&self.path, context, &mut Changes::default())
    }

    /// Removes the file; tells whether it was there.
    pub(super) fn remove(&mut self, context: &Context) -> Result<bool, Failure> {
        if self.existing.is_none() {
            return Ok(false);
        }
        self.keep_copy(context)?;
        if !context.check {
            fs::remove_file(&self.path)
                .map_err(|error| Failure::io("could not remove", &self.path, &error))?;
        }
        Ok(true)
    }

    fn keep_copy(&mut self, context: &Context) -> Result<(), Failure> {
        if self.wants_backup && self.existing.is_some() && self.backup.is_none() {
            self.backup = Some(atomic_write::backup(&self.path, context)?);
        }
        Ok(())
    }
}
