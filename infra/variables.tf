variable "project_id" {
  description = "The project that Setpoint runs in; its service agent sends the feeds' messages."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is the id of a project (my-project), not its number or its name."
  }
}

variable "region" {
  description = "The region of the functions and the buckets."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is one region, such as europe-west1; functions have no multi-regions."
  }
}

variable "watch" {
  description = "The watched parents: organizations/NUMBER, folders/NUMBER or projects/ID, each with its own feeds."
  type        = set(string)
  nullable    = false

  validation {
    condition = length(var.watch) > 0 && alltrue([
      for parent in var.watch : can(regex("^(organizations/[0-9]+|folders/[0-9]+|projects/[a-z][a-z0-9-]{4,28}[a-z0-9])$", parent))
    ])
    error_message = "watch names at least one of organizations/NUMBER, folders/NUMBER, projects/ID."
  }
}

variable "asset_types" {
  description = "The asset types of each feed, by content type. A change of an undeclared type costs reads without a result."
  type = object({
    RESOURCE = optional(set(string), [
      "artifactregistry.googleapis.com/Repository",
      "bigquery.googleapis.com/Dataset",
      "bigquery.googleapis.com/Table",
      "cloudfunctions.googleapis.com/Function",
      "cloudkms.googleapis.com/CryptoKey",
      "cloudresourcemanager.googleapis.com/Folder",
      "cloudresourcemanager.googleapis.com/Project",
      "compute.googleapis.com/Address",
      "compute.googleapis.com/BackendService",
      "compute.googleapis.com/Firewall",
      "compute.googleapis.com/ForwardingRule",
      "compute.googleapis.com/Instance",
      "compute.googleapis.com/InstanceTemplate",
      "compute.googleapis.com/Network",
      "compute.googleapis.com/Route",
      "compute.googleapis.com/Router",
      "compute.googleapis.com/SecurityPolicy",
      "compute.googleapis.com/Subnetwork",
      "container.googleapis.com/Cluster",
      "container.googleapis.com/NodePool",
      "dns.googleapis.com/ManagedZone",
      "dns.googleapis.com/ResourceRecordSet",
      "iam.googleapis.com/Role",
      "iam.googleapis.com/ServiceAccount",
      "logging.googleapis.com/LogSink",
      "pubsub.googleapis.com/Subscription",
      "pubsub.googleapis.com/Topic",
      "redis.googleapis.com/Instance",
      "run.googleapis.com/Service",
      "secretmanager.googleapis.com/Secret",
      "spanner.googleapis.com/Database",
      "spanner.googleapis.com/Instance",
      "sqladmin.googleapis.com/Instance",
      "storage.googleapis.com/Bucket",
    ])
    IAM_POLICY = optional(set(string), [
      "artifactregistry.googleapis.com/Repository",
      "bigquery.googleapis.com/Dataset",
      "cloudkms.googleapis.com/CryptoKey",
      "cloudresourcemanager.googleapis.com/Folder",
      "cloudresourcemanager.googleapis.com/Organization",
      "cloudresourcemanager.googleapis.com/Project",
      "iam.googleapis.com/ServiceAccount",
      "pubsub.googleapis.com/Subscription",
      "pubsub.googleapis.com/Topic",
      "run.googleapis.com/Service",
      "secretmanager.googleapis.com/Secret",
      "storage.googleapis.com/Bucket",
    ])
    ORG_POLICY = optional(set(string), [
      "cloudresourcemanager.googleapis.com/Folder",
      "cloudresourcemanager.googleapis.com/Organization",
      "cloudresourcemanager.googleapis.com/Project",
    ])
    ACCESS_POLICY = optional(set(string), [
      "accesscontextmanager.googleapis.com/AccessLevel",
      "accesscontextmanager.googleapis.com/AccessPolicy",
      "accesscontextmanager.googleapis.com/ServicePerimeter",
    ])
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue(flatten([
      for types in values(var.asset_types) : [for one in types : can(regex("^[a-z0-9.-]+/[A-Za-z]+$", one))]
    ]))
    error_message = "An asset type is written as Cloud Asset Inventory writes it: compute.googleapis.com/Firewall."
  }
}

variable "watch_itself" {
  description = "Whether feeds and sweeps include Setpoint's own resources, such as feeds, so that they can be declared (docs/install.md)."
  type        = bool
  default     = false
  nullable    = false
}

variable "source_archive" {
  description = "An archive of the functions' source to run instead of this version, such as an earlier one; null for this version."
  type        = string
  default     = null

  validation {
    condition     = var.source_archive == null || fileexists(coalesce(var.source_archive, "-"))
    error_message = "source_archive: no such file. Leave it out, and the module makes the archive of its own repository."
  }
}

variable "runtime" {
  description = "Google's Python runtime. From 3.13 on its buildpack reads pyproject.toml; before, only requirements.txt."
  type        = string
  default     = "python313"
  nullable    = false

  validation {
    condition     = can(regex("^python3(1[3-9]|[2-9][0-9])$", var.runtime))
    error_message = "runtime is python313 or newer: older ones do not install from pyproject.toml."
  }
}

variable "firestore" {
  description = "The database: its name, and its location (null: the region)."
  type = object({
    database = optional(string, "setpoint")
    location = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.firestore.database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.firestore.database))
    error_message = "firestore.database has 4 to 63 letters, digits and hyphens, or is (default)."
  }
}

variable "deletion_protection" {
  description = "Whether `terraform destroy` leaves the database and the declarations in place."
  type        = bool
  default     = true
  nullable    = false
}

variable "detect" {
  description = "The size of detect. One instance has four threads for its CPU; each event is a read and at most one write."
  type = object({
    memory          = optional(string, "1Gi") # idle 80 MB; four messages of the largest size (10 MB) at once took 300 MB
    cpu             = optional(string, "1")   # fewer allow no concurrency
    concurrency     = optional(number, 4)     # functions-framework's threads; more would only wait inside the instance
    timeout_seconds = optional(number, 60)    # a publish may take so long to be given up; also the acknowledgement deadline
    min_instances   = optional(number, 0)     # a cold start delays an alert by seconds, and an idle instance costs money
    max_instances   = optional(number, 20)    # what is more waits in Pub/Sub, where it is safe, and Firestore warms up slowly
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.detect.timeout_seconds >= 10 && var.detect.timeout_seconds <= 600
    error_message = "detect.timeout_seconds is 10 to 600: Pub/Sub waits no longer for an acknowledgement."
  }
  validation {
    condition     = var.detect.concurrency >= 1 && var.detect.concurrency <= 1000 && var.detect.max_instances >= 1
    error_message = "detect.concurrency is 1 to 1000, detect.max_instances at least 1."
  }
  validation {
    condition     = var.detect.min_instances >= 0 && var.detect.min_instances <= var.detect.max_instances
    error_message = "detect.min_instances is 0 to detect.max_instances."
  }
}

variable "worker" {
  description = "A pool of workers instead of detect, for a high rate of changes; for its image see docs/install.md."
  type = object({
    enabled   = optional(bool, false)
    image     = optional(string, "")
    instances = optional(number, 1) # each handles some hundred changes a second; they share what waits
    batch     = optional(number, 100)
    messages  = optional(number, 1000) # held at once by an instance; what is more waits in Pub/Sub
    cpu       = optional(string, "1")
    memory    = optional(string, "512Mi")
  })
  default  = {}
  nullable = false

  validation {
    condition     = !var.worker.enabled || var.worker.image != ""
    error_message = "worker.image is missing: the image that holds Setpoint."
  }
  validation {
    condition     = var.worker.instances >= 1 && var.worker.batch >= 1 && var.worker.batch <= 300 && var.worker.messages >= var.worker.batch
    error_message = "worker.instances is at least 1, worker.batch 1 to 300, worker.messages at least worker.batch."
  }
}

variable "sweep" {
  description = "The size of sweep. Each shard, some twenty thousand assets, is a message; a shard that does not finish in one run continues in the next."
  type = object({
    memory          = optional(string, "512Mi") # it holds a page of a thousand assets, and eight bytes of each that is declared
    cpu             = optional(string, "1")
    concurrency     = optional(number, 1)   # one shard at a time
    timeout_seconds = optional(number, 540) # it hands over after 70 % of that; also the acknowledgement deadline
    min_instances   = optional(number, 0)   # nobody waits for it
    max_instances   = optional(number, 5)   # a project may make a hundred calls a minute, and one instance makes about ten
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.sweep.timeout_seconds >= 120 && var.sweep.timeout_seconds <= 600
    error_message = "sweep.timeout_seconds is 120 to 600: a page takes a minute at worst, and Pub/Sub waits no longer for an acknowledgement."
  }
  validation {
    condition     = var.sweep.concurrency >= 1 && var.sweep.max_instances >= 1 && var.sweep.min_instances >= 0 && var.sweep.min_instances <= var.sweep.max_instances
    error_message = "sweep.concurrency and sweep.max_instances are at least 1, sweep.min_instances 0 to sweep.max_instances."
  }
}

variable "sweep_schedule" {
  description = "The schedule of full sweeps, as a cron expression in UTC. The default is not on the hour, when most jobs run."
  type        = string
  default     = "17 */6 * * *"
  nullable    = false

  validation {
    condition     = can(regex("^\\S+( \\S+){4}$", var.sweep_schedule))
    error_message = "sweep_schedule has the five fields of cron, such as 17 */6 * * *."
  }
}

variable "sync" {
  description = "The size of sync. It holds an archive and its unpacked content in memory."
  type = object({
    memory          = optional(string, "2Gi") # an archive of up to 500 MB is taken; its files lie in memory too
    cpu             = optional(string, "1")
    concurrency     = optional(number, 1)   # one archive at a time
    timeout_seconds = optional(number, 540) # the most that an event-driven function gets
    min_instances   = optional(number, 0)   # nobody waits for it
    max_instances   = optional(number, 1)   # two archives of one source would only make each other try again
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.sync.timeout_seconds >= 10 && var.sync.timeout_seconds <= 540
    error_message = "sync.timeout_seconds is 10 to 540, the most that an event-driven function gets."
  }
  validation {
    condition     = var.sync.concurrency >= 1 && var.sync.max_instances >= 1 && var.sync.min_instances >= 0 && var.sync.min_instances <= var.sync.max_instances
    error_message = "sync.concurrency and sync.max_instances are at least 1, sync.min_instances 0 to sync.max_instances."
  }
}

variable "remediation" {
  description = "Remediation. While it is disabled, Setpoint has no write permission on the fleet. While it is enabled, the policy decides about each write."
  type = object({
    enabled   = optional(bool, false)
    within    = optional(string)          # organizations/NUMBER, folders/NUMBER or projects/ID: where it may write
    resources = optional(set(string), []) # asset types whose resources it may write
    policies  = optional(set(string), []) # asset types whose IAM policies it may write: whoever may can make anybody owner
  })
  default  = {}
  nullable = false

  validation {
    condition     = !var.remediation.enabled || can(regex("^(organizations/[0-9]+|folders/[0-9]+|projects/[a-z][a-z0-9-]{4,28}[a-z0-9])$", var.remediation.within))
    error_message = "remediation.within says where it may write: organizations/NUMBER, folders/NUMBER or projects/ID."
  }
  validation {
    condition     = !var.remediation.enabled || length(setunion(var.remediation.resources, var.remediation.policies)) > 0
    error_message = "remediation.resources and remediation.policies name the asset types that it may write, at least one."
  }
}

variable "remediation_role_in" {
  description = "The number of the organisation that holds the custom role of remediation; null creates the role in a project, for remediation.within = projects/ID."
  type        = string
  default     = null

  validation {
    condition     = var.remediation_role_in == null || can(regex("^[0-9]+$", var.remediation_role_in))
    error_message = "remediation_role_in is the number of an organisation."
  }
}

variable "deep_reads" {
  description = "Reading resources through their own APIs, for fields that the inventory lacks. The policy (spec.observe) selects the resources."
  type = object({
    enabled   = optional(bool, false)
    within    = optional(string)          # organizations/NUMBER, folders/NUMBER or projects/ID: where sweep may read
    resources = optional(set(string), []) # asset types that it may read
    role_in   = optional(string)          # the organisation that the custom role is made in, as a number; null: the project of within
  })
  default  = {}
  nullable = false

  validation {
    condition     = !var.deep_reads.enabled || can(regex("^(organizations/[0-9]+|folders/[0-9]+|projects/[a-z][a-z0-9-]{4,28}[a-z0-9])$", var.deep_reads.within))
    error_message = "deep_reads.within says where sweep may read: organizations/NUMBER, folders/NUMBER or projects/ID."
  }
  validation {
    condition     = !var.deep_reads.enabled || length(var.deep_reads.resources) > 0
    error_message = "deep_reads.resources names the asset types that sweep may read, at least one."
  }
  validation {
    condition     = var.deep_reads.role_in == null || can(regex("^[0-9]+$", var.deep_reads.role_in))
    error_message = "deep_reads.role_in is the number of an organisation."
  }
}

variable "history" {
  description = "Reading the beginning and the actor of drift that began before it was observed, from the inventory's history and the audit logs."
  type = object({
    calls_an_hour = optional(number, 0) # of both APIs together; one explains about 20 findings; 0 switches it off
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.history.calls_an_hour >= 0 && var.history.calls_an_hour <= 300 && floor(var.history.calls_an_hour) == var.history.calls_an_hour
    error_message = "history.calls_an_hour is 0 to 300, as many as sweep makes within its time limit and the quotas."
  }
}

variable "remediate" {
  description = "The size of remediate. It waits for Google's APIs most of the time."
  type = object({
    memory          = optional(string, "1Gi")
    cpu             = optional(string, "1")
    concurrency     = optional(number, 4)
    timeout_seconds = optional(number, 300) # longer than a write with all its tries; also the acknowledgement deadline
    min_instances   = optional(number, 0)
    max_instances   = optional(number, 4) # claims are written beside one record of guardrails: more would wait for each other
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.remediate.timeout_seconds >= 180 && var.remediate.timeout_seconds <= 540
    error_message = "remediate.timeout_seconds is 180, as a write with all its tries may take, to 540."
  }
  validation {
    condition     = var.remediate.concurrency >= 1 && var.remediate.max_instances >= 1 && var.remediate.min_instances >= 0 && var.remediate.min_instances <= var.remediate.max_instances
    error_message = "remediate.concurrency and remediate.max_instances are at least 1, remediate.min_instances 0 to remediate.max_instances."
  }
}

variable "alerts" {
  description = "Alerts in Slack and by webhooks. buttons: a function that is reachable from outside accepts clicks in Slack."
  type = object({
    enabled = optional(bool, false)
    buttons = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "notify" {
  description = "The size of notify. It waits for Slack most of the time, which accepts one message per second and channel."
  type = object({
    memory          = optional(string, "512Mi")
    cpu             = optional(string, "1")
    concurrency     = optional(number, 4)
    timeout_seconds = optional(number, 300) # a button of a message of thousands of findings; also the acknowledgement deadline
    min_instances   = optional(number, 0)
    max_instances   = optional(number, 2) # more would only wait for the same channels
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.notify.timeout_seconds >= 60 && var.notify.timeout_seconds <= 600
    error_message = "notify.timeout_seconds is 60 to 600: Pub/Sub waits no longer for an acknowledgement."
  }
  validation {
    condition     = var.notify.concurrency >= 1 && var.notify.max_instances >= 1 && var.notify.min_instances >= 0 && var.notify.min_instances <= var.notify.max_instances
    error_message = "notify.concurrency and notify.max_instances are at least 1, notify.min_instances 0 to notify.max_instances."
  }
}

variable "slack_actions" {
  description = "The size of slack_actions. Slack waits for three seconds, including a cold start; a warm instance avoids cold starts."
  type = object({
    memory          = optional(string, "512Mi")
    cpu             = optional(string, "1")
    concurrency     = optional(number, 8)
    timeout_seconds = optional(number, 10) # nobody waits for longer
    min_instances   = optional(number, 0)
    max_instances   = optional(number, 2) # of what strangers send, too, no more is ever worked on
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.slack_actions.timeout_seconds >= 3 && var.slack_actions.timeout_seconds <= 60
    error_message = "slack_actions.timeout_seconds is 3 to 60: Slack waits for 3."
  }
  validation {
    condition     = var.slack_actions.concurrency >= 1 && var.slack_actions.max_instances >= 1 && var.slack_actions.min_instances >= 0 && var.slack_actions.min_instances <= var.slack_actions.max_instances
    error_message = "slack_actions.concurrency and slack_actions.max_instances are at least 1, slack_actions.min_instances 0 to slack_actions.max_instances."
  }
}

variable "delivery_attempts" {
  description = "The number of deliveries before a message becomes a dead letter; with growing delays, 100 deliveries take about 15 hours."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.delivery_attempts >= 5 && var.delivery_attempts <= 100
    error_message = "delivery_attempts is 5 to 100, as Pub/Sub allows."
  }
}

variable "archive_days" {
  description = "The retention of uploaded archives of declarations."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.archive_days >= 7
    error_message = "archive_days is at least 7, so that an archive outlives its retries and the question what was in it."
  }
}

variable "uploaders" {
  description = "The IAM members that may upload declarations of the source default, below default/. This source may declare everything; use `sources` for restricted ones."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.uploaders : can(regex("^(serviceAccount|group|user|principal|principalSet):", member))])
    error_message = "uploaders are members such as serviceAccount:ci@PROJECT.iam.gserviceaccount.com."
  }
}

variable "sources_not_seen_yet" {
  description = "Whether `sources` may name unknown folders and projects, such as new ones. Otherwise sync refuses the document, since the name may be misspelt."
  type        = bool
  default     = false
  nullable    = false
}

variable "sources" {
  description = "Sources of declarations by their folder in the bucket: their uploaders, their places, and whether they may carry policy, limits, alerting, scopes or ignore rules."
  type = map(object({
    uploaders     = set(string)
    everywhere    = optional(bool, false)
    organizations = optional(set(string), [])
    folders       = optional(set(string), [])
    projects      = optional(set(string), [])
    asset_types   = optional(set(string), [])
    carries       = optional(set(string), [])
    teams         = optional(set(string), [])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.sources) : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]*$", name)) && !contains(["setpoint", "default"], name)])
    error_message = "sources are folders such as platform or team-a; setpoint is the module's own, and default is the one of `uploaders`."
  }

  validation {
    condition = alltrue(flatten([
      for source in var.sources : [for member in source.uploaders : can(regex("^(serviceAccount|group|user|principal|principalSet):", member))]
    ]))
    error_message = "uploaders are members such as serviceAccount:ci@PROJECT.iam.gserviceaccount.com."
  }

  validation {
    condition = alltrue(flatten([
      for source in var.sources : [for what in source.carries : contains(["policy", "limits", "alerting", "scopes", "ignore"], what)]
    ]))
    error_message = "carries takes policy, limits, alerting, scopes and ignore."
  }

  validation {
    condition = alltrue([
      for source in values(var.sources) : source.everywhere || length(source.organizations) + length(source.folders) + length(source.projects) + length(source.carries) > 0
    ])
    error_message = "a source needs a place (everywhere, organizations, folders, projects) or something to carry."
  }
}

variable "operators" {
  description = "The IAM members that may apply, approve, pause and replay with the command line. They read and write the database."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(serviceAccount|group|user|principal|principalSet):", member))])
    error_message = "operators are members such as group:sre@example.com."
  }
}

variable "readers" {
  description = "The IAM members that may list findings with the command line. They read the database."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.readers : can(regex("^(serviceAccount|group|user|principal|principalSet):", member))])
    error_message = "readers are members such as group:developers@example.com."
  }
}

variable "state_buckets" {
  description = "Buckets of Terraform states by name: sync reads each state after an apply. A bucket is a source: set the places of its resources."
  type = map(object({
    project       = optional(string)     # that of the bucket; project_id by default
    prefix        = optional(string, "") # ends with a slash, where it is set
    grace_seconds = optional(number)     # a drift has to last so long: until an apply has written its state
    everywhere    = optional(bool, false)
    organizations = optional(set(string), [])
    folders       = optional(set(string), [])
    projects      = optional(set(string), [])
    teams         = optional(set(string), ["*"])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for states in values(var.state_buckets) : states.prefix == "" || endswith(states.prefix, "/")])
    error_message = "prefix ends with a slash, so that it names a folder: prod/."
  }

  validation {
    condition = alltrue([
      for states in values(var.state_buckets) : states.everywhere || length(states.organizations) + length(states.folders) + length(states.projects) > 0
    ])
    error_message = "a bucket of states needs a place where it may declare: everywhere, organizations, folders or projects."
  }
}

variable "retention" {
  description = "The retention of audit trails, records of deleted resources and resolved findings in days; 0 for ever. BigQuery keeps the events."
  type = object({
    audit_days    = optional(number, 400) # as long as Cloud Logging keeps admin activity
    gone_days     = optional(number, 400)
    resolved_days = optional(number, 90)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for days in values(var.retention) : days >= 0 && days <= 99999 && floor(days) == days])
    error_message = "retention has whole days of 0 to 99999."
  }
}

variable "attribution" {
  description = "Attribution: a sink of the audit logs of all watched parents. Callers' addresses are truncated unless mask_ip is false."
  type = object({
    enabled = optional(bool, false)
    mask_ip = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "attribute" {
  description = "The size of attribute. Each entry costs some reads and a write; it waits for Firestore most of the time."
  type = object({
    memory          = optional(string, "512Mi")
    cpu             = optional(string, "1")
    concurrency     = optional(number, 4)
    timeout_seconds = optional(number, 60) # also the acknowledgement deadline
    min_instances   = optional(number, 0)
    max_instances   = optional(number, 10) # what is more waits in Pub/Sub
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.attribute.timeout_seconds >= 10 && var.attribute.timeout_seconds <= 600
    error_message = "attribute.timeout_seconds is 10 to 600: Pub/Sub waits no longer for an acknowledgement."
  }
  validation {
    condition     = var.attribute.concurrency >= 1 && var.attribute.max_instances >= 1 && var.attribute.min_instances >= 0 && var.attribute.min_instances <= var.attribute.max_instances
    error_message = "attribute.concurrency and attribute.max_instances are at least 1, attribute.min_instances 0 to attribute.max_instances."
  }
}

variable "console" {
  description = "The live report page behind Identity-Aware Proxy and a load balancer: its viewers and the size of its function."
  type = object({
    enabled         = optional(bool, false)
    domain          = optional(string)          # drift.example.com; its A record is to be the address in the outputs
    viewers         = optional(set(string), []) # members as IAM writes them, such as group:platform@example.com
    memory          = optional(string, "1Gi")   # it holds the findings and the page that it makes of them
    cpu             = optional(string, "1")
    concurrency     = optional(number, 40) # a page is made once in half a minute, and served to all who ask
    timeout_seconds = optional(number, 60)
    min_instances   = optional(number, 0)
    max_instances   = optional(number, 3)
  })
  default  = {}
  nullable = false

  validation {
    condition     = !var.console.enabled || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.console.domain))
    error_message = "console.domain is the name that the page has, such as drift.example.com."
  }
  validation {
    condition     = alltrue([for member in var.console.viewers : can(regex("^(serviceAccount|group|user|domain|principal|principalSet):", member))])
    error_message = "console.viewers are members such as group:platform@example.com; whoever is let in sees all findings."
  }
  validation {
    condition     = var.console.concurrency >= 1 && var.console.timeout_seconds >= 10 && var.console.max_instances >= 1 && var.console.min_instances >= 0 && var.console.min_instances <= var.console.max_instances
    error_message = "console.concurrency and console.max_instances are at least 1, console.timeout_seconds at least 10, console.min_instances 0 to console.max_instances."
  }
}

variable "reports" {
  description = "Drift reports in BigQuery: location, readers, period of the views, and retention of the tables."
  type = object({
    enabled   = optional(bool, false)
    dataset   = optional(string, "setpoint")
    location  = optional(string)              # null: the region
    days      = optional(number, 90)          # each view reads so many days and no more
    keep_days = optional(number, 400)         # a year, and a month to compare it with
    schedule  = optional(string, "5 0 * * *") # when a day's snapshots are taken, in UTC
    readers   = optional(set(string), [])     # who may read the dataset: members as IAM writes them
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^\\w+$", var.reports.dataset)) && can(regex("^\\S+( \\S+){4}$", var.reports.schedule))
    error_message = "reports.dataset has letters, digits and underscores; reports.schedule the five fields of cron."
  }
  validation {
    condition     = var.reports.days >= 30 && var.reports.days <= 365 && var.reports.keep_days > var.reports.days
    error_message = "reports.days is 30 to 365, and reports.keep_days more than that."
  }
  validation {
    condition     = alltrue([for member in var.reports.readers : can(regex("^(serviceAccount|group|user|domain|principal|principalSet):", member))])
    error_message = "reports.readers are members such as group:platform@example.com."
  }
}

variable "report" {
  description = "The size of report. It holds a day's findings compressed, and eight bytes of each resource."
  type = object({
    memory          = optional(string, "512Mi")
    cpu             = optional(string, "1")
    concurrency     = optional(number, 1)
    timeout_seconds = optional(number, 540) # also the acknowledgement deadline
    min_instances   = optional(number, 0)   # nobody waits for it
    max_instances   = optional(number, 1)   # two of one day would write the same
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.report.timeout_seconds >= 300 && var.report.timeout_seconds <= 600
    error_message = "report.timeout_seconds is 300, since a load job may be waited for, to 600: Pub/Sub waits no longer."
  }
  validation {
    condition     = var.report.concurrency >= 1 && var.report.max_instances >= 1 && var.report.min_instances >= 0 && var.report.min_instances <= var.report.max_instances
    error_message = "report.concurrency and report.max_instances are at least 1, report.min_instances 0 to report.max_instances."
  }
}

variable "monitoring" {
  description = "Alerts about Setpoint itself: notification channels and thresholds."
  type = object({
    channels             = optional(set(string), []) # notification channels, projects/P/notificationChannels/N; none only show in the console
    detection_seconds    = optional(number, 300)     # a change is to be known after; most of it is Cloud Asset Inventory's own delay
    detection_goal       = optional(number, 0.95)    # so large a part of them
    queue_age_seconds    = optional(number, 900)     # a pushed message may wait
    error_ratio          = optional(number, 0.05)    # of the messages may fail, to be tried again
    feed_silence_minutes = optional(number, 60)      # without any message of a feed; small fleets want more
    source_age_hours     = optional(number)          # each source is uploaded again within; null: nobody promises that
    sweep_age_hours      = optional(number, 13)      # after the last sweep has ended: two of the default schedule, and one hour
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for one in var.monitoring.channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", one))])
    error_message = "monitoring.channels are projects/PROJECT/notificationChannels/NUMBER; `gcloud beta monitoring channels list` tells them."
  }
  validation {
    condition     = var.monitoring.detection_goal > 0 && var.monitoring.detection_goal < 1 && var.monitoring.error_ratio > 0 && var.monitoring.error_ratio < 1
    error_message = "monitoring.detection_goal and monitoring.error_ratio are parts of one, between 0 and 1."
  }
  validation {
    condition     = var.monitoring.feed_silence_minutes >= 5 && var.monitoring.feed_silence_minutes <= 1410
    error_message = "monitoring.feed_silence_minutes is 5 to 1410: Cloud Monitoring looks back no longer than 23.5 hours."
  }
}

variable "kms_key" {
  description = "The key that topics, buckets, the database and the dataset are encrypted with, in the same region; null for Google-managed keys. The key of a database cannot be changed."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key is projects/P/locations/L/keyRings/R/cryptoKeys/K; `gcloud kms keys list` tells it."
  }
}

variable "secret_key_version" {
  description = "The version of the secret setpoint-secret-key, a number, that wraps the key that hides secrets in the database; null stores that key unwrapped."
  type        = string
  default     = null

  validation {
    condition     = var.secret_key_version == null || can(regex("^[1-9][0-9]*$", var.secret_key_version))
    error_message = "secret_key_version is a number, and not `latest`: functions that start at different times would have different keys."
  }
}

variable "otlp" {
  description = "An OpenTelemetry collector that gets a span for each message: its base address, and the secret in this project with its headers."
  type = object({
    endpoint       = optional(string) # null: no spans; to a private address they go by vpc_connector
    headers_secret = optional(string) # its name; its latest version is name=value,name=value, values percent-encoded
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.otlp.endpoint == null || can(regex("^https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[^?#\\s]*)?$", var.otlp.endpoint))
    error_message = "otlp.endpoint is the base address of a collector, such as https://otlp.example.com or http://10.0.0.5:4318; /v1/traces is added."
  }
  validation {
    condition     = var.otlp.headers_secret == null || (var.otlp.endpoint != null && can(regex("^[A-Za-z0-9_-]{1,255}$", var.otlp.headers_secret)))
    error_message = "otlp.headers_secret is the name of a secret in the project, without projects/…, and asks for otlp.endpoint."
  }
}

variable "vpc_connector" {
  description = "The serverless VPC connector for outgoing requests, if the organisation requires one; null for none: the functions need none."
  type        = string
  default     = null

  validation {
    condition     = var.vpc_connector == null || can(regex("^projects/[^/]+/locations/[^/]+/connectors/[^/]+$", var.vpc_connector))
    error_message = "vpc_connector is projects/P/locations/L/connectors/C, in the region of the functions."
  }
}
