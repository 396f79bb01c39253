//! The question for a password that `su` and `doas` ask, in many languages.

/// `su`'s word for a password where its prompt is not in English: those that Ansible knows.
const WORDS: [&str; 32] = [
    "Password",
    "암호",
    "パスワード",
    "Adgangskode",
    "Contraseña",
    "Contrasenya",
    "Hasło",
    "Heslo",
    "Jelszó",
    "Lösenord",
    "Mật khẩu",
    "Mot de passe",
    "Parola",
    "Parool",
    "Pasahitza",
    "Passord",
    "Passwort",
    "Salasana",
    "Sandi",
    "Senha",
    "Wachtwoord",
    "ססמה",
    "Лозинка",
    "Парола",
    "Пароль",
    "गुप्तशब्द",
    "शब्दकूट",
    "సంకేతపదము",
    "හස්පදය",
    "密码",
    "密碼",
    "口令",
];

/// Whether a program has asked for a password: one of `words` before a colon, capitals or not. Without words of the user's own
/// (`ansible_su_prompt_l10n`) those that Ansible knows count.
pub fn asks_for_password(said: &str, words: &[String]) -> bool {
    let said = said.to_lowercase();
    let asked = |word: &str| {
        let word = word.to_lowercase();
        said.match_indices(&word).any(|(at, _)| said[at + word.len()..].trim_start().starts_with([':', '：']))
    };
    if words.is_empty() { WORDS.into_iter().any(asked) } else { words.iter().any(|word| asked(word)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_a_word_and_a_colon() {
        let own = vec!["Geheimwort".to_owned()];
        for (said, words, asked) in [
            ("Password: ", &[][..], true),
            ("root@h's password:", &[], true),
            ("Mot de passe : ", &[], true),
            ("パスワード：", &[], true),
            ("Your password has expired.", &[], false),
            ("Password: ", &own, false),
            ("geheimwort:", &own, true),
        ] {
            assert_eq!(asks_for_password(said, words), asked, "{said}");
        }
    }
}
