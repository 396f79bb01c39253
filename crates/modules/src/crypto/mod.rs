//! Keys, certificate requests and certificates, made here: no `openssl` program is needed on a host. Arguments and results are those of
//! the collection community.crypto.

mod arguments;
mod der;
mod extensions;
mod info;
mod key_file;
mod name;
mod openssh_keypair;
mod openssl_csr;
mod openssl_csr_info;
mod openssl_dhparam;
mod openssl_privatekey;
mod openssl_privatekey_info;
mod output;
mod private_key;
mod signed;
mod time;
mod x509_certificate;
mod x509_certificate_info;

use crate::ModuleSpec;

pub(crate) const MODULES: &[&ModuleSpec] = &[
    &openssh_keypair::SPEC,
    &openssl_csr::SPEC,
    &openssl_csr_info::SPEC,
    &openssl_dhparam::SPEC,
    &openssl_privatekey::SPEC,
    &openssl_privatekey_info::SPEC,
    &x509_certificate::SPEC,
    &x509_certificate_info::SPEC,
];
