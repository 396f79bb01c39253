//! Variables of storage classes. Only one class may be the default.

use super::Kind::{Bool, Choice, Int, List, Port, Text};
use super::OldName::Same;
use super::{KeyGroup, key};

pub(super) static GROUPS: &[KeyGroup] = &[
    KeyGroup {
        title: "Storage: local volumes",
        about: "Turn these off before another class becomes the default.",
        keys: &[
            key(
                "local_volume_enabled",
                Bool,
                "",
                "2.1",
                "Volumes on the hosts' own disks. On where their images can be had: by download, in the bundle, or on the hosts already.",
            )
            .old(
                &[
                    Same("local_volume_enable"),
                    Same("local_volume_provisioner_enabled"),
                    Same("local_volume_provisioner_enable"),
                ],
            ),
            key("local_volume_is_default_class", Bool, "true", "2.0", "Whether it is the default class; it yields where another is."),
            key("local_volume_storage_class", Text, "local", "2.1", "Name of the class.")
                .old(&[Same("local_volume_provisioner_storage_class")]),
            key("local_volume_base_path", Text, "/var/openebs/local", "2.1", "Where the volumes lie."),
            key(
                "local_volume_provisioner",
                Choice(&["local_path", "openebs"]),
                "local_path",
                "new",
                "Who makes them: local-path, or OpenEBS as in 2.1.",
            ),
        ],
    },
    KeyGroup {
        title: "Storage: NFS",
        about: "Export with `rw,insecure,sync,no_subtree_check,no_root_squash`.",
        keys: &[
            key("nfs_client_enabled", Bool, "false", "2.1", "Volumes on an NFS server.")
                .old(&[Same("nfs_client_enable")]),
            key("nfs_client_is_default_class", Bool, "false", "2.0", "Whether it is the default class."),
            key("nfs_server", Text, "", "1.0", "The server."),
            key("nfs_path", Text, "", "1.0", "The exported folder."),
            key("nfs_vers3_enabled", Bool, "false", "2.1", "Speak version 3."),
            key("nfs_archiveOnDelete", Bool, "false", "2.1", "Keep the data of deleted volumes."),
            key("nfs_server_enable", Bool, "false", "1.0", "A server inside the cluster, for tests only.")
                .old(&[Same("nfs_in_k8s_enable")]),
            key("nfs_server_is_default_class", Bool, "false", "1.0", "Whether it is the default class.")
                .old(&[Same("nfs_in_k8s_is_default_class")]),
        ],
    },
    KeyGroup {
        title: "Storage: Ceph RBD",
        about: "By its CSI driver, whose chart `ceph-csi-rbd` comes from the bundle or from where `ceph_rbd_chart` says.",
        keys: &[
            key("ceph_rbd_enabled", Bool, "false", "1.0", "Volumes in a Ceph cluster.")
                .old(&[Same("ceph_rbd_enable")]),
            key("ceph_rbd_is_default_class", Bool, "false", "1.0", "Whether it is the default class."),
            key("ceph_rbd_storage_class", Text, "rbd", "1.0", "Name of the class."),
            key("ceph_rbd_monitors", List, "", "1.0", "Monitors, each host:6789."),
            key("ceph_rbd_admin_id", Text, "admin", "1.0", "Client that makes images."),
            key("ceph_rbd_admin_secret", Text, "", "1.0", "Its key.").secret(),
            key("ceph_rbd_pool", Text, "rbd", "1.0", "Pool of the images."),
            key("ceph_rbd_user_id", Text, "admin", "1.0", "Client that maps images."),
            key("ceph_rbd_user_secret", Text, "", "1.0", "Its key.").secret(),
            key("ceph_rbd_fsType", Text, "ext4", "1.0", "File system."),
            key("ceph_rbd_imageFormat", Int, "1", "1.0", "Format of the images; the driver makes those of format 2 only."),
            key("ceph_rbd_imageFeatures", Text, "layering", "1.0", "Features of the images."),
            key(
                "ceph_rbd_cluster_id",
                Text,
                "ceph",
                "new",
                "What the cluster is called in the driver's settings, usually its fsid.",
            ),
            key(
                "ceph_rbd_chart",
                Text,
                "ceph-csi-rbd",
                "new",
                "The driver's chart: a file beside this one, a name in the bundle's charts/, or an address.",
            ),
        ],
    },
    KeyGroup {
        title: "Storage: GlusterFS",
        about: "Read, and refused: Kubernetes took GlusterFS and Heketi out in 1.26. Use a CSI driver from `addons`.",
        keys: &[
            key("glusterfs_provisioner_enabled", Bool, "false", "1.0", "Volumes in a GlusterFS cluster.")
                .old(&[Same("glusterfs_provisioner_enable"), Same("glusterfs_enabled")]),
            key(
                "glusterfs_provisioner_is_default_class",
                Bool,
                "false",
                "1.0",
                "Whether it is the default class.",
            )
            .old(&[Same("glusterfs_is_default_class")]),
            key("glusterfs_provisioner_storage_class", Text, "glusterfs", "1.0", "Name of the class."),
            key(
                "glusterfs_provisioner_restauthenabled",
                Bool,
                "true",
                "1.0",
                "Whether Heketi asks for a login.",
            ),
            key("glusterfs_provisioner_resturl", Text, "", "1.0", "Address of Heketi."),
            key("glusterfs_provisioner_clusterid", Text, "", "1.0", "The cluster in Heketi."),
            key("glusterfs_provisioner_restuser", Text, "admin", "1.0", "User of Heketi."),
            key(
                "glusterfs_provisioner_secretName",
                Text,
                "heketi-secret",
                "1.0",
                "Secret that holds the password.",
            ),
            key("glusterfs_provisioner_gidMin", Int, "40000", "1.0", "First group id."),
            key("glusterfs_provisioner_gidMax", Int, "50000", "1.0", "Last group id."),
            key(
                "glusterfs_provisioner_volumetype",
                Text,
                "\"replicate:2\"",
                "1.0",
                "How volumes are spread.",
            ),
            key("jwt_admin_key", Text, "", "1.0", "Password of Heketi's user.").secret(),
        ],
    },
    KeyGroup {
        title: "Storage: QingCloud",
        about: "The first block is shared by the disks and the load balancer plugin.",
        keys: &[
            key("qingcloud_access_key_id", Text, "", "1.0", "Access key."),
            key("qingcloud_secret_access_key", Text, "", "1.0", "Its secret.").secret(),
            key("qingcloud_zone", Text, "", "1.0", "Zone."),
            key("qingcloud_host", Text, "api.qingcloud.com", "1.0", "Host of the API."),
            key("qingcloud_port", Port, "443", "1.0", "Port of the API."),
            key("qingcloud_protocol", Text, "https", "1.0", "Protocol of the API."),
            key("qingcloud_uri", Text, "/iaas", "1.0", "Path of the API."),
            key("qingcloud_connection_retries", Int, "3", "1.0", "How often a call is tried again."),
            key("qingcloud_connection_timeout", Int, "30", "1.0", "Seconds that a call may take."),
            key("qingcloud_csi_enabled", Bool, "false", "1.0", "Volumes on QingCloud's disks.")
                .old(&[Same("qingcloud_csi_enable")]),
            key("qingcloud_csi_is_default_class", Bool, "false", "1.0", "Whether it is the default class.")
                .old(&[Same("qingcloud_is_default_class")]),
            key(
                "qingcloud_type",
                Int,
                "2",
                "1.0",
                "Kind of disk: 0 high performance, 2 capacity, 3 super high performance, 5 NeonSAN, 100 basic, 200 SSD enterprise.",
            ),
            key("qingcloud_maxSize", Int, "5000", "1.0", "Largest disk in GB."),
            key("qingcloud_minSize", Int, "100", "1.0", "Smallest disk in GB."),
            key("qingcloud_stepSize", Int, "50", "1.0", "Step between sizes in GB."),
            key("qingcloud_fsType", Text, "ext4", "1.0", "File system."),
            key("qingcloud_disk_replica", Int, "2", "2.0", "Copies of the data.")
                .old(&[Same("disk_replica")]),
            key("qingcloud_allowVolumeExpansion", Bool, "true", "2.1", "Whether volumes may grow."),
            key("qingcloud_volumeBindingMode", Text, "Immediate", "2.1", "When a disk is made."),
            key("qingcloud_storageclass_tags", Text, "", "2.1", "Tags of the disks."),
            key("qingcloud_lb_enabled", Bool, "false", "2.1", "The load balancer plugin.")
                .old(&[Same("qingcloud_lb_enable")]),
            key("qingcloud_vxnet_id", Text, "", "1.0", "Network of the hosts."),
        ],
    },
    KeyGroup {
        title: "Storage: NeonSAN",
        about: "",
        keys: &[
            key("neonsan_csi_enabled", Bool, "false", "1.0", "Volumes in NeonSAN.")
                .old(&[Same("neonsan_csi_enable")]),
            key("neonsan_csi_is_default_class", Bool, "false", "1.0", "Whether it is the default class."),
            key("neonsan_csi_protocol", Text, "TCP", "1.0", "TCP or RDMA."),
            key("neonsan_server_address", Text, "", "1.0", "Address of the server."),
            key("neonsan_cluster_name", Text, "", "1.0", "Name of the cluster."),
            key("neonsan_server_pool", Text, "kube", "1.0", "Pool of the volumes."),
            key("neonsan_server_replicas", Int, "1", "1.0", "Copies of the data."),
            key("neonsan_server_stepSize", Int, "10", "1.0", "Step between sizes in GB."),
            key("neonsan_server_fsType", Text, "ext4", "1.0", "File system."),
            key("client_tcp_no_delay", Int, "1", "2.1", "Send small packets at once."),
            key("client_io_depth", Int, "64", "2.1", "Requests on the way."),
            key("client_io_timeout", Int, "30", "2.1", "Seconds that a request may take."),
            key("conn_timeout", Int, "8", "2.1", "Seconds that a connection may take."),
            key("open_volume_timeout", Int, "180", "2.1", "Seconds that opening a volume may take."),
        ],
    },
    KeyGroup {
        title: "Storage: Aliyun and Tencent disks",
        about: "",
        keys: &[
            key("alicloud_disk_csi_enabled", Bool, "false", "2.1.1", "Volumes on Aliyun's disks."),
            key(
                "alicloud_disk_csi_is_default_class",
                Bool,
                "false",
                "2.1.1",
                "Whether it is the default class.",
            ),
            key("ali_access_key_id", Text, "", "2.1.1", "Access key."),
            key("ali_access_key_secret", Text, "", "2.1.1", "Its secret.").secret(),
            key("ali_disk_zoneId", Text, "cn-huhehaote-a", "2.1.1", "Zone."),
            key("ali_disk_regionId", Text, "cn-huhehaote", "2.1.1", "Region."),
            key("ali_disk_fsType", Text, "ext4", "2.1.1", "File system."),
            key("ali_disk_type", Text, "cloud_ssd", "2.1.1", "Kind of disk."),
            key("tencentcloud_cbs_csi_enabled", Bool, "false", "2.1.1", "Volumes on Tencent's disks."),
            key(
                "tencentcloud_cbs_csi_is_default_class",
                Bool,
                "false",
                "2.1.1",
                "Whether it is the default class.",
            ),
            key("tencentcloud_cbs_api_secret_id", Text, "", "2.1.1", "Secret id, in base64.")
                .old(&[Same("tecentcloud_cbs_api_secret_id")])
                .secret(),
            key("tencentcloud_cbs_api_secret_key", Text, "", "2.1.1", "Secret key, in base64.")
                .old(&[Same("tecentcloud_cbs_api_secret_key")])
                .secret(),
            key("tencentcloud_disk_type", Text, "CLOUD_PREMIUM", "2.1.1", "Kind of disk."),
        ],
    },
];
