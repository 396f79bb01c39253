//! Puts a parsed INI file into an inventory, in the order of its lines.

use data::{Place, Text, Value};
use indexmap::IndexMap;

use super::{Entry, HostLine, IniError, IniFile, IniProblem, Section, SectionKind};
use crate::{GraphError, Inventory, Origin};

/// A group that is named before any section declares it.
enum Pending {
    /// Named in `[parent:children]`, by these parents.
    Child { parents: Vec<String>, place: Option<Place> },
    /// Named by `[group:vars]`.
    Vars { place: Option<Place> },
}

/// Adds the hosts, groups and variables of `file`, whose sections go as their hosts come.
///
/// # Errors
/// Every group that is used but not declared, and every loop.
pub(crate) fn apply(file: IniFile, inventory: &mut Inventory, origin: &Origin) -> Result<(), Vec<IniError>> {
    let mut applying = Applying { inventory, origin, pending: IndexMap::new(), errors: Vec::new() };
    for section in file.sections {
        applying.section(section);
    }
    applying.finish()
}

struct Applying<'a> {
    inventory: &'a mut Inventory,
    origin: &'a Origin,
    pending: IndexMap<String, Pending>,
    errors: Vec<IniError>,
}

impl Applying<'_> {
    fn section(&mut self, section: Section) {
        self.declare(&section);
        let group = section.name.as_str();
        for entry in section.entries {
            let result = match entry {
                Entry::Host(line) => self.host(line, group),
                Entry::Child(child) => self.child(&child, group),
                Entry::Var(var) => {
                    let result = self.inventory.set_group_var(group, var.name, var.value);
                    result.map_err(|error| (error, Some(var.place)))
                }
            };
            if let Err((error, Some(place))) = result {
                self.errors.push(IniProblem::Graph(error).at(&place));
            }
        }
    }

    /// Adds the group of a section. `[x:vars]` alone does not declare it; a header after its use does.
    fn declare(&mut self, section: &Section) {
        let group = section.name.as_str();
        let is_new = self.inventory.add_group(group, section.name.place()).unwrap_or(false);
        if section.kind == SectionKind::Vars {
            if is_new && !self.pending.contains_key(group) {
                let place = section.name.place().cloned();
                self.pending.insert(group.to_owned(), Pending::Vars { place });
            }
            return;
        }
        if let Some(Pending::Child { parents, place }) = self.pending.shift_remove(group) {
            for parent in parents {
                if let Err(error) = self.inventory.add_child_group(&parent, group) {
                    self.errors.extend(place.as_ref().map(|place| IniProblem::Graph(error).at(place)));
                }
            }
        }
    }

    fn host(&mut self, line: HostLine, group: &str) -> Result<(), (GraphError, Option<Place>)> {
        let place = line.pattern.place();
        let at = |error| (error, place.cloned());
        for name in &line.names {
            let is_new = self.inventory.add_host(name, Some(self.origin), place).map_err(at)?;
            self.inventory.add_to_group(name, group).map_err(at)?;
            // A port after the name counts only where the host is first listed.
            if let (true, Some(port)) = (is_new, line.port.filter(|port| *port != 0)) {
                let key = Text::plain("ansible_port").with_place(place.cloned());
                self.inventory.set_host_var(name, key, Value::from(port)).map_err(at)?;
            }
            self.inventory.reserve_host_vars(name, line.vars.len());
            for var in &line.vars {
                self.inventory.set_host_var(name, var.name.clone(), var.value.clone()).map_err(at)?;
            }
        }
        Ok(())
    }

    fn child(&mut self, child: &Text, parent: &str) -> Result<(), (GraphError, Option<Place>)> {
        if self.inventory.group_index(child).is_some() {
            return match self.inventory.add_child_group(parent, child) {
                Ok(_) => Ok(()),
                Err(error) => Err((error, child.place().cloned())),
            };
        }
        let new = || Pending::Child { parents: Vec::new(), place: child.place().cloned() };
        if let Pending::Child { parents, .. } = self.pending.entry(child.to_string()).or_insert_with(new) {
            parents.push(parent.to_owned());
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Vec<IniError>> {
        for (name, pending) in self.pending {
            let (problem, place) = match pending {
                Pending::Vars { place } => (IniProblem::UndefinedVars(name), place),
                Pending::Child { parents, place } => {
                    let parent = parents.into_iter().next_back().unwrap_or_default();
                    (IniProblem::UndefinedChild { parent, child: name }, place)
                }
            };
            self.errors.extend(place.map(|place| problem.at(&place)));
        }
        self.errors.sort_by_key(|error| error.place.span.start);
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }
}

#[cfg(test)]
mod tests {
    use data::{Diagnose, Source};

    use super::*;
    use crate::Group;

    fn load(text: &str) -> Result<Inventory, Vec<String>> {
        let source = Source::new("hosts.ini", text);
        let mut inventory = Inventory::default();
        let origin = Origin { file: Value::Null, dir: Value::Null };
        let errors = match IniFile::parse(&source) {
            Ok(file) => apply(file, &mut inventory, &origin).err().unwrap_or_default(),
            Err(errors) => errors,
        };
        inventory.reconcile();
        if errors.is_empty() { Ok(inventory) } else { Err(errors.iter().map(ToString::to_string).collect()) }
    }

    fn var(inventory: &Inventory, host: &str, name: &str) -> Value {
        inventory.host(host).unwrap().vars().get(name).cloned().unwrap_or_else(|| Value::undefined(name))
    }

    #[test]
    fn values_are_typed_as_python_literals() {
        let inventory = load(
            "h i=1 f=1.5 b=True n=None l=\"[1,'a']\" q='\"1\"' s=\"two words\" y=yes o=010 t='{{ i }}' e=\n\
             [ungrouped:vars]\nv = [1, 2]\nquoted=\"1\"\nplain = a # b\n",
        )
        .unwrap();
        for (name, value) in [
            ("i", Value::from(1)),
            ("f", Value::from(1.5)),
            ("b", Value::from(true)),
            ("n", Value::Null),
            ("l", Value::from(vec![Value::from(1), Value::from("a")])),
            ("q", Value::from("1")),
            ("s", Value::from("two words")),
            ("y", Value::from("yes")),
            ("o", Value::from("010")),
            ("e", Value::from("")),
        ] {
            assert_eq!(var(&inventory, "h", name), value, "{name}");
        }
        assert!(var(&inventory, "h", "t").as_text().unwrap().is_template());
        let vars = inventory.group("ungrouped").unwrap().vars();
        assert_eq!(vars.get("v"), Some(&Value::from(vec![Value::from(1), Value::from(2)])));
        assert_eq!(vars.get("quoted"), Some(&Value::from("1")));
        assert_eq!(vars.get_str("plain"), Some("a # b"));
    }

    #[test]
    fn ports_and_ranges_make_hosts() {
        let inventory = load("[web]\nweb[01:03]:2222 a=1\n[2001:db8::1]:23\n").unwrap();
        let names: Vec<_> = inventory.hosts().map(|host| host.name().to_string()).collect();
        assert_eq!(names, ["web01", "web02", "web03", "2001:db8::1"]);
        assert_eq!(var(&inventory, "web02", "ansible_port"), Value::from(2222));
        assert_eq!(var(&inventory, "2001:db8::1", "ansible_port"), Value::from(23));
    }

    #[test]
    fn a_host_listed_again_keeps_its_variables_and_takes_new_ones() {
        let inventory = load("[a]\nh x=1 y=1\n[b]\nh y=2\n").unwrap();
        assert_eq!((var(&inventory, "h", "x"), var(&inventory, "h", "y")), (Value::from(1), Value::from(2)));
        assert_eq!(inventory.group_names(inventory.host("h").unwrap()), ["a", "b"]);
    }

    #[test]
    fn children_may_be_declared_later_and_join_in_that_order() {
        let inventory = load("[k8s:children]\nb\na\n[a]\n[b]\n").unwrap();
        let k8s = inventory.group("k8s").unwrap();
        assert_eq!(inventory.children(k8s).map(Group::name).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn every_mistake_has_its_place() {
        for (text, errors) in [
            ("[web:hots]\nh\n", vec!["hosts.ini:1:1: section `[web:hots]` has unknown type `hots`"]),
            ("[web servers]\n", vec!["hosts.ini:1:1: `[web servers]` is not a section header"]),
            ("[web] ; note\n", vec!["hosts.ini:1:1: `[web] ; note` is not a section header"]),
            ("h a='b\n", vec!["hosts.ini:1:5: a quote is never closed"]),
            ("h a=b \\\n", vec!["hosts.ini:1:7: the line ends in a backslash"]),
            ("h a\n", vec!["hosts.ini:1:3: expected `key=value` after the host name, found `a`"]),
            ("h:\n", vec!["hosts.ini:1:1: host `h:` ends in a colon, which announces a port"]),
            ("---\n", vec!["hosts.ini:1:1: `---` is not a host; it starts a YAML file"]),
            (
                "[g]\n[g:vars]\na\n",
                vec!["hosts.ini:3:1: expected `key=value` in a `:vars` section, found `a`"],
            ),
            (
                "[g:children]\na b\n",
                vec!["hosts.ini:2:1: expected a group name in a `:children` section, found `a b`"],
            ),
            (
                "[g:children]\nx\ny\n[z:vars]\na=1\n",
                vec![
                    "hosts.ini:2:1: section `[g:children]` includes undefined group `x`",
                    "hosts.ini:3:1: section `[g:children]` includes undefined group `y`",
                    "hosts.ini:4:2: section `[z:vars]` is not valid for undefined group `z`",
                ],
            ),
            (
                "[a:children]\nb\n[b:children]\na\n",
                vec!["hosts.ini:4:1: adding group `a` as child to `b` creates a recursive dependency loop"],
            ),
            (
                "w[3:1:0]\nw[a:b\n",
                vec![
                    "hosts.ini:1:1: invalid host range in `w[3:1:0]`: the step must be a number other than 0",
                    "hosts.ini:2:1: invalid host range in `w[a:b`: a host range is written `[begin:end]` or `[begin:end:step]`",
                ],
            ),
        ] {
            assert_eq!(load(text).unwrap_err(), errors, "{text}");
        }
    }

    #[test]
    fn mistakes_say_what_to_do() {
        let source = Source::new("hosts.ini", "[g:childs]\n");
        let error = &IniFile::parse(&source).unwrap_err()[0];
        let found = &error.diagnostics()[0];
        assert!(found.helps[0].contains("`[g:children]` for groups"), "{found:?}");
    }
}
