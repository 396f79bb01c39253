//! Facts about the machine's make, from the kernel's copy of the DMI tables, or from `dmidecode` where the kernel shows none.

use std::path::Path;

use data::Map;

use super::Gather;
use super::files;

/// Fact, file under `/sys/devices/virtual/dmi/id`, keyword of `dmidecode -s`.
const FIELDS: [(&str, &str, &str); 18] = [
    ("bios_date", "bios_date", "bios-release-date"),
    ("bios_vendor", "bios_vendor", "bios-vendor"),
    ("bios_version", "bios_version", "bios-version"),
    ("board_asset_tag", "board_asset_tag", "baseboard-asset-tag"),
    ("board_name", "board_name", "baseboard-product-name"),
    ("board_serial", "board_serial", "baseboard-serial-number"),
    ("board_vendor", "board_vendor", "baseboard-manufacturer"),
    ("board_version", "board_version", "baseboard-version"),
    ("chassis_asset_tag", "chassis_asset_tag", "chassis-asset-tag"),
    ("chassis_serial", "chassis_serial", "chassis-serial-number"),
    ("chassis_vendor", "chassis_vendor", "chassis-manufacturer"),
    ("chassis_version", "chassis_version", "chassis-version"),
    ("form_factor", "chassis_type", "chassis-type"),
    ("product_name", "product_name", "system-product-name"),
    ("product_serial", "product_serial", "system-serial-number"),
    ("product_uuid", "product_uuid", "system-uuid"),
    ("product_version", "product_version", "system-version"),
    ("system_vendor", "sys_vendor", "system-manufacturer"),
];

/// Chassis types by number, in the order of the SMBIOS reference (DSP0134), table "System Enclosure or Chassis Types".
const FORM_FACTORS: [&str; 37] = [
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

/// `bios_*`, `board_*`, `chassis_*`, `product_*`, `form_factor` and `system_vendor`; `NA` for what is not told.
pub(super) fn dmi(gather: &Gather) -> Map {
    let folder = Path::new("/sys/devices/virtual/dmi/id");
    if folder.join("product_name").exists() {
        return FIELDS
            .iter()
            .map(|(fact, file, _)| (*fact, from_kernel(fact, files::content(folder.join(file)))))
            .collect();
    }
    if files::program("dmidecode").is_none() {
        return FIELDS.iter().map(|(fact, ..)| (*fact, "NA")).collect();
    }
    FIELDS.iter().map(|(fact, _, keyword)| (*fact, from_dmidecode(gather, keyword))).collect()
}

fn from_kernel(fact: &str, content: Option<String>) -> String {
    let Some(content) = content else { return "NA".to_owned() };
    if fact != "form_factor" {
        return content;
    }
    let named = content.parse::<usize>().ok().and_then(|number| FORM_FACTORS.get(number));
    named.map_or_else(|| format!("unknown ({content})"), |name| (*name).to_owned())
}

fn from_dmidecode(gather: &Gather, keyword: &str) -> String {
    match gather.stdout_of(&["dmidecode", "-s", keyword]) {
        Some(out) => out.lines().filter(|line| !line.starts_with('#')).collect(),
        None => "NA".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chassis_numbers_become_names() {
        for (number, name) in
            [("1", "Other"), ("23", "Rack Mount Chassis"), ("36", "Stick PC"), ("99", "unknown (99)")]
        {
            assert_eq!(from_kernel("form_factor", Some(number.to_owned())), name);
        }
        assert_eq!(from_kernel("bios_vendor", None), "NA");
    }
}
