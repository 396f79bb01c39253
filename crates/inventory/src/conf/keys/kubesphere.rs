//! Variables of KubeSphere and its components, under the names of the 2.1 installer; those of 2.0 are old names.

use super::Kind::{Bool, Int, Port, Text};
use super::OldName::{Inverted, Same};
use super::{KeyGroup, key};

pub(super) static GROUPS: &[KeyGroup] = &[
    KeyGroup {
        title: "KubeSphere",
        about: "",
        keys: &[
            key(
                "kubesphere_enabled",
                Bool,
                "",
                "new",
                "Whether KubeSphere is installed. Left out, it is where it can be had: its chart in the bundle, or what the next three name.",
            ),
            key("ks_version", Text, "v4.1.3", "1.0", "Version of KubeSphere: 4.1.x, or 3.4.1."),
            key(
                "kubesphere_chart",
                Text,
                "\"\"",
                "new",
                "The chart ks-core: a file beside this one, or oci://REGISTRY/PATH. Empty looks in charts/ of the bundle or of `kubernetes_path`.",
            ),
            key("kubesphere_chart_version", Text, "\"\"", "new", "The version of a chart that is fetched."),
            key(
                "kubesphere_registry",
                Text,
                "\"\"",
                "new",
                "The registry that KubeSphere's images are pulled from.",
            ),
            key(
                "kubesphere_admin_password",
                Text,
                "",
                "new",
                "The password of the account admin; left out, one is made and kept in pki/kubesphere.password.",
            )
            .secret(),
            key(
                "kubesphere_values",
                super::Kind::Map,
                "{}",
                "new",
                "Values of the chart (4.1), or fields of the ClusterConfiguration's spec (3.4), that win over the installer's.",
            ),
            key(
                "console_port",
                Port,
                "30880",
                "1.0",
                "Port of the console on every host: 30000 to 32767, without 30180, 30280 and 30380.",
            ),
            key(
                "enable_multi_login",
                Bool,
                "false",
                "2.1",
                "Let one account be used from several places at a time.",
            )
            .old(&[Inverted("disableMultiLogin"), Inverted("disable_multi_login")]),
            key(
                "ks_image_pull_policy",
                Text,
                "IfNotPresent",
                "2.0",
                "When KubeSphere's images are pulled again.",
            ),
            key("mysql_volume_size", Text, "20Gi", "2.1", "Volume of MySQL."),
            key("minio_volume_size", Text, "20Gi", "2.1", "Volume of MinIO."),
            key("etcd_volume_size", Text, "20Gi", "2.1", "Volume of KubeSphere's own etcd."),
            key(
                "openldap_volume_size",
                Text,
                "2Gi",
                "2.1",
                "Volume of OpenLDAP; 10Gi is the least on Aliyun and Tencent disks.",
            ),
            key(
                "redis_volume_size",
                Text,
                "2Gi",
                "2.1",
                "Volume of Redis; 10Gi is the least on Aliyun and Tencent disks.",
            )
            .old(&[Same("redis_volum_size")]),
        ],
    },
    KeyGroup {
        title: "Monitoring and logging",
        about: "",
        keys: &[
            key("prometheus_replicas", Int, "2", "2.1", "Instances of Prometheus.")
                .old(&[Same("prometheus_replica")]),
            key("prometheus_memory_request", Text, "400Mi", "2.1", "Memory of each.")
                .old(&[Same("prometheus_memory_size")]),
            key("prometheus_volume_size", Text, "20Gi", "2.0", "Volume of each."),
            key("grafana_enabled", Bool, "false", "2.1", "Grafana for dashboards of your own.")
                .old(&[Same("grafana_enable")]),
            key(
                "metrics_server_enabled",
                Bool,
                "false",
                "2.1",
                "metrics-server, for autoscaling and `kubectl top`.",
            )
            .old(&[Same("metrics_server_enable")]),
            key("logging_enabled", Bool, "false", "2.1", "The logging system.")
                .old(&[Same("logging_enable")]),
            key("elasticsearch_master_replicas", Int, "1", "2.1", "Elasticsearch masters; an odd number.")
                .old(&[Same("elasticsearch_master_replica")]),
            key("elasticsearch_data_replicas", Int, "2", "2.1", "Elasticsearch data nodes.")
                .old(&[Same("elasticsearch_data_replica")]),
            key("logsidecar_replicas", Int, "2", "2.1", "Instances of the log sidecar's injector.")
                .old(&[Same("logsidecar_replica")]),
            key(
                "elasticsearch_volume_size",
                Text,
                "20Gi",
                "2.0",
                "Volume of Elasticsearch, where the two below are not given.",
            ),
            key(
                "elasticsearch_master_volume_size",
                Text,
                "4Gi",
                "2.1.1",
                "Volume of each Elasticsearch master.",
            ),
            key(
                "elasticsearch_data_volume_size",
                Text,
                "20Gi",
                "2.1.1",
                "Volume of each Elasticsearch data node.",
            ),
            key("log_max_age", Int, "7", "2.1", "Days that logs are kept.").old(&[Same("keep_log_days")]),
            key("elk_prefix", Text, "logstash", "2.1", "Part of the index names: ks-<prefix>-log."),
            key(
                "containers_log_mounted_path",
                Text,
                "",
                "2.1",
                "Where the containers' logs lie, if not below the runtime's folder.",
            ),
            key("kibana_enabled", Bool, "false", "2.1", "Kibana for the logs.").old(&[Same("kibana_enable")]),
            key("external_es_url", Text, "", "2.1", "An Elasticsearch of your own."),
            key("external_es_port", Port, "", "2.1", "Its port."),
        ],
    },
    KeyGroup {
        title: "DevOps",
        about: "",
        keys: &[
            key(
                "devops_enabled",
                Bool,
                "false",
                "2.1",
                "The DevOps system; one host needs more than 8 GB of free memory.",
            )
            .old(&[Same("devops_enable")]),
            key("jenkins_memory_lim", Text, "8Gi", "2.0", "Memory that Jenkins may take."),
            key("jenkins_memory_req", Text, "4Gi", "2.0", "Memory that Jenkins needs."),
            key("jenkins_volume_size", Text, "8Gi", "2.1", "Volume of Jenkins."),
            key("jenkinsJavaOpts_Xms", Text, "3g", "2.1", "Smallest heap of Jenkins."),
            key("jenkinsJavaOpts_Xmx", Text, "6g", "2.1", "Largest heap of Jenkins."),
            key("jenkinsJavaOpts_MaxRAM", Text, "8g", "2.1", "Memory that Jenkins takes the host to have."),
            key("Java_Opts", Text, "", "2.0", "The three above in one line."),
            key("JenkinsLocationUrl", Text, "jenkins.devops.kubesphere.local", "2.0", "Name of Jenkins."),
            key("sonarqube_enabled", Bool, "false", "2.1", "SonarQube.").old(&[Same("sonarqube_enable")]),
            key("sonar_server_url", Text, "", "2.0", "A SonarQube of your own."),
            key("sonar_server_token", Text, "", "2.0", "Its token.").secret(),
            key("harbor_enabled", Bool, "false", "2.1", "Harbor, at node port 30280.").old(&[
                Same("harbor_enable"),
                Same("Harbor_enable"),
                Same("Harbor_enabled"),
            ]),
            key("harbor_domain", Text, "harbor.devops.kubesphere.local", "2.0", "Name of Harbor."),
            key("gitlab_enabled", Bool, "false", "2.1", "GitLab, at node port 30080.")
                .old(&[Same("gitlab_enable"), Same("Gitlab_enable")]),
            key("gitlab_hosts_domain", Text, "devops.kubesphere.local", "2.0", "Domain of GitLab."),
        ],
    },
    KeyGroup {
        title: "More components",
        about: "",
        keys: &[
            key("openpitrix_enabled", Bool, "false", "2.1", "The application store.")
                .old(&[Same("openpitrix_enable")]),
            key("openpitrix_version", Text, "", "2.0", "Its version."),
            key("servicemesh_enabled", Bool, "false", "2.1", "The service mesh.")
                .old(&[Same("servicemesh_enable")]),
            key("notification_enabled", Bool, "false", "2.1", "Notifications.")
                .old(&[Same("notification_enable")]),
            key("alerting_enabled", Bool, "false", "2.1", "Alerts.").old(&[Same("alerting_enable")]),
            key(
                "ks_cluster_configuration",
                super::Kind::Map,
                "",
                "new",
                "The whole ClusterConfiguration, where a KubeKey file brings one.",
            ),
        ],
    },
    KeyGroup {
        title: "Mail (2.0)",
        about: "",
        keys: &[
            key("EMAIL_SMTP_HOST", Text, "mail.example.com", "2.0", "Mail server."),
            key("EMAIL_SMTP_PORT", Port, "25", "2.0", "Its port."),
            key("EMAIL_FROM_ADDR", Text, "admin@example.com", "2.0", "Sender."),
            key("EMAIL_FROM_NAME", Text, "KubeSphere Notify", "2.0", "The sender's name."),
            key("EMAIL_FROM_PASS", Text, "", "2.0", "The sender's password.").secret(),
            key("EMAIL_USE_SSL", Bool, "false", "2.0", "Whether the server wants TLS from the start."),
        ],
    },
];
