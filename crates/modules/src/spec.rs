//! What a module is: its names, its argument table and the function that runs it. Parsing, documentation and errors all come from here.

use crate::{Args, Context, Failure, Outcome};

/// One module. Made as a `static` with [`ModuleSpec::DEFAULTS`] for what it does not need:
///
/// ```
/// use modules::{Arg, ModuleSpec, Outcome};
/// static SPEC: ModuleSpec = ModuleSpec {
///     name: "ping",
///     summary: "Try to reach a host",
///     args: &[Arg::str("data").default_str("pong").help("Data to return for the `ping` return value.")],
///     run: |args, _| Ok(Outcome::unchanged().with("ping", args.str("data")?)),
///     ..ModuleSpec::DEFAULTS
/// };
/// assert_eq!(SPEC.full_name(), "ansible.builtin.ping");
/// ```
#[derive(Clone, Copy)]
pub struct ModuleSpec {
    /// Short name, such as `copy`.
    pub name: &'static str,
    /// Collection it is found under, such as `ansible.builtin`.
    pub collection: &'static str,
    /// Other names: short (`systemd_service`) or full (`community.general.ini_file`).
    pub aliases: &'static [&'static str],
    /// One line of what it does.
    pub summary: &'static str,
    /// Its own arguments.
    pub args: &'static [Arg],
    /// Arguments it shares with others, such as [`crate::file_attributes::ARGS`].
    pub shared: &'static [Arg],
    /// What must, may not, or must come together.
    pub rules: Rules,
    /// The argument that takes the text of `module: free text`, if the module is free-form.
    pub free_form: Option<&'static str>,
    /// Whether it can say what it would do. One that cannot is skipped in check mode, with Ansible's message.
    pub check_mode: bool,
    /// Looks, compares, acts.
    pub run: Run,
}

/// The function of a module: checked arguments and surroundings in, what happened out.
pub type Run = fn(&Args, &mut Context) -> Result<Outcome, Failure>;

impl ModuleSpec {
    /// A module in `ansible.builtin` without arguments, rules or free form, with check mode, that does nothing.
    pub const DEFAULTS: Self = Self {
        name: "",
        collection: "ansible.builtin",
        aliases: &[],
        summary: "",
        args: &[],
        shared: &[],
        rules: Rules::NONE,
        free_form: None,
        check_mode: true,
        run: |_, _| Ok(Outcome::unchanged()),
    };

    /// Collection and name: `ansible.builtin.copy`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.collection, self.name)
    }

    /// All its arguments, its own first.
    pub fn all_args(&self) -> impl Iterator<Item = &'static Arg> + use<> {
        self.args.iter().chain(self.shared)
    }

    /// The argument of this name or alias.
    pub fn arg(&self, name: &str) -> Option<&'static Arg> {
        self.all_args().find(|arg| arg.answers_to(name))
    }
}

impl std::fmt::Debug for ModuleSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModuleSpec({})", self.full_name())
    }
}

/// The type of an argument, as Ansible's `argument_spec` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgType {
    /// Text; numbers and booleans become their Python text.
    Str,
    /// A boolean or one of Ansible's boolean words.
    Bool,
    /// A whole number, or text of one.
    Int,
    /// A number, or text of one.
    Float,
    /// Text with `~` and `$VARIABLES` expanded on the target.
    Path,
    /// A list; text is split at commas, a number becomes a list of one.
    List,
    /// A dictionary; text is read as JSON or as `k=v` pairs.
    Dict,
    /// Anything, as it is.
    Raw,
    /// Text of JSON; a list or dictionary is written as JSON.
    Json,
    /// A size such as `10M`, in bytes.
    Bytes,
    /// A size such as `10Mb`, in bits.
    Bits,
}

impl ArgType {
    /// Ansible's word for the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Path => "path",
            Self::List => "list",
            Self::Dict => "dict",
            Self::Raw => "raw",
            Self::Json => "jsonarg",
            Self::Bytes => "bytes",
            Self::Bits => "bits",
        }
    }
}

/// The value of an argument that was not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Str(&'static str),
    /// A list of texts, possibly empty.
    List(&'static [&'static str]),
    /// An empty dictionary.
    Dict,
}

/// One argument. Made by the constructor of its type and refined by the methods that follow.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ArgType,
    /// The type of a list's elements; `None` leaves them as they are.
    pub elements: Option<ArgType>,
    /// Its value when not given.
    pub default: Default,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// The only values allowed; none means any.
    pub choices: &'static [&'static str],
    /// Whether it must be given.
    pub required: bool,
    /// Whether its value must be masked wherever it shows.
    pub no_log: bool,
    /// The arguments inside it, for a dictionary or a list of dictionaries.
    pub options: &'static [Self],
    /// Rules among `options`.
    pub option_rules: Rules,
    /// A sentence or two for the reader of the documentation.
    pub help: &'static str,
}

macro_rules! constructors {
    ($($method:ident $kind:ident $text:literal),* $(,)?) => {
        $(#[doc = concat!("An argument of type ", $text, ".")]
        pub const fn $method(name: &'static str) -> Self { Self::new(name, ArgType::$kind) })*
    };
}

impl Arg {
    /// An optional argument without a default.
    pub const fn new(name: &'static str, kind: ArgType) -> Self {
        Self {
            name,
            kind,
            elements: None,
            default: Default::Null,
            aliases: &[],
            choices: &[],
            required: false,
            no_log: false,
            options: &[],
            option_rules: Rules::NONE,
            help: "",
        }
    }

    constructors! {
        str Str "`str`", bool Bool "`bool`", int Int "`int`", float Float "`float`", path Path "`path`",
        dict Dict "`dict`", raw Raw "`raw`", json Json "`jsonarg`", bytes Bytes "`bytes`",
    }

    /// An argument of type `list` whose elements have this type.
    pub const fn list(name: &'static str, elements: ArgType) -> Self {
        let mut arg = Self::new(name, ArgType::List);
        arg.elements = Some(elements);
        arg
    }

    /// It must be given.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// It is secret.
    #[must_use]
    pub const fn no_log(mut self) -> Self {
        self.no_log = true;
        self
    }

    /// Other names for it.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The only values allowed.
    #[must_use]
    pub const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    /// The arguments inside it.
    #[must_use]
    pub const fn options(mut self, options: &'static [Self], rules: Rules) -> Self {
        self.options = options;
        self.option_rules = rules;
        self
    }

    /// Its documentation.
    #[must_use]
    pub const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// Its value when not given.
    #[must_use]
    pub const fn default(mut self, default: Default) -> Self {
        self.default = default;
        self
    }

    /// Its text when not given.
    #[must_use]
    pub const fn default_str(self, text: &'static str) -> Self {
        self.default(Default::Str(text))
    }

    /// Its truth when not given.
    #[must_use]
    pub const fn default_bool(self, flag: bool) -> Self {
        self.default(Default::Bool(flag))
    }

    /// Its number when not given.
    #[must_use]
    pub const fn default_int(self, number: i64) -> Self {
        self.default(Default::Int(number))
    }

    /// Whether this is its name or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

/// Two argument tables as one, for a module that shares more than one.
pub(crate) const fn join<const N: usize>(first: &[Arg], second: &[Arg]) -> [Arg; N] {
    let mut all = [Arg::new("", ArgType::Raw); N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}

/// What must, may not, or must come together; each field reads as Ansible's of the same name.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Groups of which at most one may be given.
    pub mutually_exclusive: &'static [&'static [&'static str]],
    /// Groups of which all or none must be given.
    pub required_together: &'static [&'static [&'static str]],
    /// Groups of which at least one must be given.
    pub required_one_of: &'static [&'static [&'static str]],
    /// Arguments needed when another has a certain value.
    pub required_if: &'static [RequiredIf],
    /// Arguments needed when another is given.
    pub required_by: &'static [(&'static str, &'static [&'static str])],
}

impl Rules {
    /// No rules.
    pub const NONE: Self = Self {
        mutually_exclusive: &[],
        required_together: &[],
        required_one_of: &[],
        required_if: &[],
        required_by: &[],
    };
}

/// When `argument` equals `value`, all of `needs` must be given (or any of them, if `any`).
#[derive(Clone, Copy, Debug)]
pub struct RequiredIf {
    /// The argument that decides.
    pub argument: &'static str,
    /// Its deciding value.
    pub value: Default,
    /// What is then needed.
    pub needs: &'static [&'static str],
    /// Whether one of them is enough.
    pub any: bool,
}

impl RequiredIf {
    /// All of `needs` when `argument` is this text.
    pub const fn all(argument: &'static str, value: &'static str, needs: &'static [&'static str]) -> Self {
        Self { argument, value: Default::Str(value), needs, any: false }
    }

    /// Any of `needs` when `argument` is this text.
    pub const fn any(argument: &'static str, value: &'static str, needs: &'static [&'static str]) -> Self {
        Self { argument, value: Default::Str(value), needs, any: true }
    }
}
