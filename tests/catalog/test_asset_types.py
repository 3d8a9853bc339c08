from __future__ import annotations

import pytest

from setpoint.catalog import asset_types
from setpoint.catalog.schemas import default_catalogue

# Published asset types of Cloud Asset Inventory, by service. What Google ships no discovery document for is below.
PUBLISHED = """
accessapproval: AccessApprovalSettings
aiplatform: Artifact BatchPredictionJob CachedContent Context CustomJob DataLabelingJob Dataset
    DeploymentResourcePool Endpoint EntityType Execution Feature FeatureGroup FeatureOnlineStore FeatureView
    Featurestore HyperparameterTuningJob Index IndexEndpoint MetadataStore Model ModelDeploymentMonitoringJob NasJob
    NotebookRuntime NotebookRuntimeTemplate PersistentResource PipelineJob ReasoningEngine Schedule SpecialistPool
    Study Tensorboard TrainingPipeline TuningJob
alloydb: Backup Cluster Instance User
analyticshub: DataExchange Listing
apigateway: Api ApiConfig Gateway
apigee: ApiProduct AppGroup Attachment DataCollector Developer EndpointAttachment EnvGroup Environment Instance
    KeyValueMap NatAddress Organization SharedFlow TargetServer
apihub: Api Attribute Deployment ExternalApi Spec Version
apikeys: Key
appengine: Application Service Version
apphub: Application Service ServiceProjectAttachment Workload
artifactregistry: DockerImage Repository
assuredworkloads: Workload
backupdr: Backup BackupPlan BackupPlanAssociation BackupVault DataSource ManagementServer
baremetalsolution: Instance Lun Network NfsShare Volume
batch: Job
beyondcorp: AppConnection AppConnector AppGateway SecurityGateway
bigquery: Dataset Model Routine RowAccessPolicy Table
bigqueryconnection: Connection
bigquerydatapolicy: DataPolicy
bigquerydatatransfer: TransferConfig
bigqueryreservation: Assignment BiReservation CapacityCommitment Reservation
bigtableadmin: AppProfile AuthorizedView Backup Cluster Instance LogicalView MaterializedView Table
billingbudgets: Budget
binaryauthorization: Attestor Policy
blockchainnodeengine: BlockchainNode
certificatemanager: Certificate CertificateIssuanceConfig CertificateMap CertificateMapEntry DnsAuthorization
    TrustConfig
cloudasset: Feed SavedQuery
cloudbilling: BillingAccount ProjectBillingInfo
cloudbuild: BitbucketServerConfig Build BuildTrigger Connection GithubEnterpriseConfig Repository WorkerPool
cloudcontrolspartner: Customer Partner Workload
clouddeploy: Automation AutomationRun CustomTargetType DeliveryPipeline DeployPolicy JobRun Release Rollout Target
clouddms: ConnectionProfile ConversionWorkspace MigrationJob PrivateConnection
cloudfunctions: CloudFunction Function
cloudidentity: Group Membership
cloudkms: AutokeyConfig CryptoKey CryptoKeyVersion EkmConfig EkmConnection ImportJob KeyHandle KeyRing
cloudresourcemanager: Folder Lien Organization Project TagBinding TagKey TagValue
cloudscheduler: Job
cloudtasks: Queue
composer: Environment
compute: Address Autoscaler BackendBucket BackendService Commitment Disk ExternalVpnGateway Firewall FirewallPolicy
    ForwardingRule FutureReservation GlobalAddress GlobalForwardingRule HealthCheck HttpHealthCheck HttpsHealthCheck
    Image Instance InstanceGroup InstanceGroupManager InstanceSettings InstanceTemplate InstantSnapshot Interconnect
    InterconnectAttachment License MachineImage Network NetworkAttachment NetworkEdgeSecurityService
    NetworkEndpointGroup NetworkFirewallPolicy NodeGroup NodeTemplate PacketMirroring Project PublicAdvertisedPrefix
    PublicDelegatedPrefix RegionAutoscaler RegionBackendService RegionCommitment RegionDisk RegionHealthCheck
    RegionInstanceGroup RegionInstanceGroupManager RegionInstanceTemplate RegionNetworkEndpointGroup
    RegionNetworkFirewallPolicy RegionSecurityPolicy RegionSslCertificate RegionSslPolicy RegionTargetHttpProxy
    RegionTargetHttpsProxy RegionTargetTcpProxy RegionUrlMap Reservation ResourcePolicy Route Router SecurityPolicy
    ServiceAttachment Snapshot SslCertificate SslPolicy StoragePool Subnetwork TargetGrpcProxy TargetHttpProxy
    TargetHttpsProxy TargetInstance TargetPool TargetSslProxy TargetTcpProxy TargetVpnGateway UrlMap VpnGateway
    VpnTunnel
config: Deployment Preview
connectors: Connection EndpointAttachment EventSubscription ManagedZone RegionalSettings Settings
contactcenterinsights: Conversation EncryptionSpec IssueModel PhraseMatcher View
container: Cluster NodePool
datacatalog: PolicyTag Taxonomy
dataflow: Job
dataform: CompilationResult ReleaseConfig Repository WorkflowConfig WorkflowInvocation Workspace
datafusion: DnsPeering Instance
datalineage: Process
datamigration: ConnectionProfile ConversionWorkspace MigrationJob PrivateConnection
dataplex: AspectType Asset DataScan EncryptionConfig EntryGroup EntryType Glossary Lake MetadataJob Task Zone
dataproc: AutoscalingPolicy Batch Cluster Job NodeGroup Session SessionTemplate WorkflowTemplate
datastream: ConnectionProfile PrivateConnection Route Stream
deploymentmanager: Deployment Manifest
developerconnect: AccountConnector Connection GitRepositoryLink
dialogflow: Agent ConversationProfile EntityType Flow Intent KnowledgeBase Page Webhook
discoveryengine: Collection Control DataStore Engine Schema ServingConfig
dlp: Connection DeidentifyTemplate DiscoveryConfig DlpJob InspectTemplate JobTrigger StoredInfoType
dns: ManagedZone Policy ResourceRecordSet ResponsePolicy ResponsePolicyRule
documentai: Processor ProcessorVersion
domains: Registration
essentialcontacts: Contact
eventarc: Channel ChannelConnection Enrollment GoogleApiSource GoogleChannelConfig MessageBus Pipeline Trigger
file: Backup Instance Snapshot
firebase: AndroidApp FirebaseProject IosApp WebApp
firebaseapphosting: Backend Domain
firebasedataconnect: Connector Schema Service
firebasehosting: Channel CustomDomain Site
firebaserules: Release Ruleset
firestore: Backup BackupSchedule Database Field Index
gkebackup: Backup BackupPlan Restore RestorePlan VolumeBackup VolumeRestore
gkehub: Feature Fleet Membership MembershipBinding MembershipFeature Namespace RBACRoleBinding Scope
gkeonprem: BareMetalAdminCluster BareMetalCluster BareMetalNodePool VmwareAdminCluster VmwareCluster VmwareNodePool
healthcare: ConsentStore Dataset DicomStore FhirStore Hl7V2Store
iam: OauthClient OauthClientCredential PolicyV2 Role ServiceAccount ServiceAccountKey WorkforcePool
    WorkforcePoolProvider WorkforcePoolProviderKey WorkloadIdentityPool WorkloadIdentityPoolProvider
    WorkloadIdentityPoolProviderKey
iap: Brand IdentityAwareProxyClient TunnelDestGroup
identity.accesscontextmanager: AccessLevel AccessPolicy AuthorizedOrgsDesc GcpUserAccessBinding ServicePerimeter
identitytoolkit: Config DefaultSupportedIdpConfig InboundSamlConfig OauthIdpConfig Tenant
ids: Endpoint
integrations: AuthConfig Certificate Execution Integration IntegrationVersion SfdcChannel SfdcInstance Suspension
logging: Exclusion Link LogBucket LogExclusion LogMetric LogSink LogView RecentQuery SavedQuery Settings
looker: Backup Instance
managedidentities: Domain Peering
managedkafka: Acl Cluster ConnectCluster Connector Topic
memcache: Instance
metastore: Backup Federation MetadataImport Service
migrationcenter: Asset AssetsExportJob DiscoveryClient Group ImportJob PreferenceSet ReportConfig Source
monitoring: AlertPolicy Dashboard Group MetricDescriptor NotificationChannel Service ServiceLevelObjective Snooze
    UptimeCheckConfig
netapp: ActiveDirectory Backup BackupPolicy BackupVault KmsConfig Replication Snapshot StoragePool Volume
networkconnectivity: Group Hub HubRoute InternalRange PolicyBasedRoute RegionalEndpoint RouteTable
    ServiceConnectionPolicy Spoke
networkmanagement: ConnectivityTest VpcFlowLogsConfig
networksecurity: AddressGroup AuthorizationPolicy AuthzPolicy BackendAuthenticationConfig ClientTlsPolicy
    DnsThreatDetector FirewallEndpoint FirewallEndpointAssociation GatewaySecurityPolicy GatewaySecurityPolicyRule
    InterceptDeployment InterceptDeploymentGroup InterceptEndpointGroup InterceptEndpointGroupAssociation
    MirroringDeployment MirroringDeploymentGroup MirroringEndpointGroup MirroringEndpointGroupAssociation
    SecurityProfile SecurityProfileGroup ServerTlsPolicy TlsInspectionPolicy UrlList
networkservices: AuthzExtension EndpointPolicy Gateway GrpcRoute HttpRoute LbRouteExtension LbTrafficExtension Mesh
    ServiceBinding ServiceLbPolicy TcpRoute TlsRoute WasmPlugin WasmPluginVersion
notebooks: Environment Execution Instance Runtime Schedule
oracledatabase: AutonomousDatabase CloudExadataInfrastructure CloudVmCluster OdbNetwork OdbSubnet
orgpolicy: CustomConstraint Policy
osconfig: GuestPolicy InstanceOSPoliciesCompliance OSPolicyAssignment OSPolicyAssignmentReport PatchDeployment
    VulnerabilityReport
parallelstore: Instance
parametermanager: Parameter ParameterVersion
privateca: CaPool Certificate CertificateAuthority CertificateRevocationList CertificateTemplate
pubsub: Schema Snapshot Subscription Topic
pubsublite: Reservation Subscription Topic
rapidmigrationassessment: Collector
recaptchaenterprise: FirewallPolicy Key
redis: Cluster Instance
retail: Catalog
run: DomainMapping Execution Job Revision Service WorkerPool
secretmanager: Secret SecretVersion
securesourcemanager: Instance Repository
securitycenter: BigQueryExport MuteConfig NotificationConfig ResourceValueConfig SecurityHealthAnalyticsCustomModule
securityposture: Posture PostureDeployment
servicedirectory: Endpoint Namespace Service
servicemanagement: ManagedService
servicenetworking: Connection
serviceusage: Service
sourcerepo: Repo
spanner: Backup BackupSchedule Database Instance InstanceConfig InstancePartition
speech: CustomClass PhraseSet
sqladmin: Backup BackupRun Database Instance SslCert User
storage: Bucket ManagedFolder NotificationConfig
storagetransfer: AgentPool TransferJob
tpu: Node QueuedResource
transcoder: Job JobTemplate
vision: Product ProductSet
vmmigration: ImageImport MigratingVm Source TargetProject
vmwareengine: Cluster ExternalAccessRule ExternalAddress NetworkPeering NetworkPolicy PrivateCloud PrivateConnection
    VmwareEngineNetwork
vpcaccess: Connector
websecurityscanner: ScanConfig
workflows: Workflow
workloadmanager: Evaluation
workstations: Workstation WorkstationCluster WorkstationConfig
"""

# Where the schema's name does not end in the kind.
OTHER_NAMES = {
    "apigee.googleapis.com/EnvGroup": "GoogleCloudApigeeV1EnvironmentGroup",
    "cloudbuild.googleapis.com/GithubEnterpriseConfig": "GitHubEnterpriseConfig",
    "compute.googleapis.com/GlobalAddress": "Address",
    "compute.googleapis.com/GlobalForwardingRule": "ForwardingRule",
    "compute.googleapis.com/NetworkFirewallPolicy": "FirewallPolicy",
    "compute.googleapis.com/RegionNetworkFirewallPolicy": "FirewallPolicy",
    "iam.googleapis.com/PolicyV2": "GoogleIamV2Policy",
    "identitytoolkit.googleapis.com/OauthIdpConfig": "GoogleCloudIdentitytoolkitAdminV2OAuthIdpConfig",
    "networkconnectivity.googleapis.com/HubRoute": "Route",
    "storage.googleapis.com/NotificationConfig": "Notification",
}


def published():
    service = ""
    for word in PUBLISHED.split():
        if word.endswith(":"):
            service = word[:-1]
        else:
            yield f"{service}.googleapis.com/{word}"


@pytest.mark.parametrize("asset_type", list(published()))
def test_a_published_asset_type_finds_its_schema(asset_type):
    schemas = default_catalogue().schemas_for(asset_type)
    assert schemas
    kind = asset_type.partition("/")[2]
    if asset_type in OTHER_NAMES:
        assert schemas[0].name == OTHER_NAMES[asset_type]
    elif asset_type.startswith("compute.googleapis.com/Region"):
        assert schemas[0].name == kind.removeprefix("Region")
    else:
        assert schemas[0].name.endswith(kind)
    assert schemas[0].fields


@pytest.mark.parametrize(
    "asset_type",
    [
        "k8s.io/Pod",
        "rbac.authorization.k8s.io/Role",
        "gkemulticloud.googleapis.com/AwsCluster",
        "compute.googleapis.com/NoSuchThing",
        "nosuchservice.googleapis.com/Thing",
        "../../etc/passwd.googleapis.com/Thing",
        "compute.googleapis.com",
        "",
    ],
)
def test_an_asset_type_that_nothing_describes_resolves_to_none(asset_type):
    assert default_catalogue().schema_for(asset_type) is None
    assert default_catalogue().schemas_for(asset_type) == ()


@pytest.mark.parametrize("scope", ["", "Region"])
@pytest.mark.parametrize("part", ["FirewallPolicyRule", "FirewallPolicyAssociation"])
def test_a_part_of_a_policy_is_described_by_the_part(scope, part):
    assert default_catalogue().schema_for(f"compute.googleapis.com/{scope}Network{part}").name == part


def test_the_kind_is_found_whatever_its_letter_case():
    assert default_catalogue().schema_for("recaptchaenterprise.googleapis.com/Firewallpolicy") is not None


@pytest.mark.parametrize(
    ("asset_type", "versions"),
    [
        ("run.googleapis.com/Service", ["v2", "v1"]),
        ("cloudfunctions.googleapis.com/Function", ["v2", "v1"]),
        ("cloudresourcemanager.googleapis.com/Project", ["v3", "v1"]),
        ("dns.googleapis.com/ManagedZone", ["v1", "v2"]),
        ("compute.googleapis.com/Instance", ["v1"]),
    ],
)
def test_the_candidate_versions_come_best_first(asset_type, versions):
    assert [schema.version for schema in default_catalogue().schemas_for(asset_type)] == versions


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://www.googleapis.com/discovery/v1/apis/compute/v1/rest", ("compute", "v1")),
        ("https://compute.googleapis.com/discovery/v1/apis/compute/beta/rest", ("compute", "beta")),
        ("https://iam.googleapis.com/$discovery/rest?version=v1", ("iam", "v1")),
        ("https://iam.googleapis.com/$discovery/rest", ("iam", "")),
        ("https://clouddms.googleapis.com/$discovery/rest?version=v1", ("datamigration", "v1")),
        ("https://[broken", ("", "")),
        ("https://example.com/", ("", "")),
        ("", ("", "")),
    ],
)
def test_a_discovery_uri_names_its_api_and_version(uri, expected):
    assert asset_types.discovery(uri) == expected
