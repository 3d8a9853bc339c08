variable "project_id" {
  description = "The project that Setpoint runs in; its service agent sends the feeds' messages."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is the id of a project (my-project), not its number or its name."
  }
}

variable "region" {
  description = "Where the functions, the buckets and the event trigger are."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is one region, such as europe-west1; functions have no multi-regions."
  }
}

variable "watch" {
  description = "What is watched: organizations/NUMBER, folders/NUMBER or projects/ID, each with feeds of its own."
  type        = set(string)

  validation {
    condition = length(var.watch) > 0 && alltrue([
      for parent in var.watch : can(regex("^(organizations/[0-9]+|folders/[0-9]+|projects/[a-z][a-z0-9-]{4,28}[a-z0-9])$", parent))
    ])
    error_message = "watch names at least one of organizations/NUMBER, folders/NUMBER, projects/ID."
  }
}

variable "asset_types" {
  description = "The asset types of each feed, by content type. Types that nothing declares cost a read each and tell nothing."
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
  default = {}

  validation {
    condition = alltrue(flatten([
      for types in values(var.asset_types) : [for one in types : can(regex("^[a-z0-9.-]+/[A-Za-z]+$", one))]
    ]))
    error_message = "An asset type is written as Cloud Asset Inventory writes it: compute.googleapis.com/Firewall."
  }
}

variable "source_archive" {
  description = "The functions' source, as `python3 infra/archive.py` writes it."
  type        = string

  validation {
    condition     = fileexists(var.source_archive)
    error_message = "source_archive: no such file. Run `python3 infra/archive.py` in the root of the repository first."
  }
}

variable "runtime" {
  description = "Google's Python runtime. From 3.13 on its buildpack reads pyproject.toml; before, only requirements.txt."
  type        = string
  default     = "python313"

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
  default = {}

  validation {
    condition     = var.firestore.database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.firestore.database))
    error_message = "firestore.database has 4 to 63 letters, digits and hyphens, or is (default)."
  }
}

variable "deletion_protection" {
  description = "Whether `terraform destroy` leaves the database and the declarations in place."
  type        = bool
  default     = true
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
  default = {}

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
  description = "A pool of workers in place of detect, for more changes than push carries; its image holds Setpoint, see docs/install.md."
  type = object({
    enabled   = optional(bool, false)
    image     = optional(string, "")
    instances = optional(number, 1) # each handles some hundred changes a second; they share what waits
    batch     = optional(number, 100)
    messages  = optional(number, 1000) # held at once by an instance; what is more waits in Pub/Sub
    cpu       = optional(string, "1")
    memory    = optional(string, "512Mi")
  })
  default = {}

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
  description = "The size of sweep. Each shard, some twenty thousand assets, is a message; what does not fit into a run goes on in the next."
  type = object({
    memory          = optional(string, "512Mi") # it holds a page of a thousand assets, and eight bytes of each that is declared
    cpu             = optional(string, "1")
    concurrency     = optional(number, 1)   # one shard at a time
    timeout_seconds = optional(number, 540) # it hands over after 70 % of that; also the acknowledgement deadline
    min_instances   = optional(number, 0)   # nobody waits for it
    max_instances   = optional(number, 5)   # a project may make a hundred calls a minute, and one instance makes about ten
  })
  default = {}

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
  description = "When the whole inventory is swept, as cron writes it, in UTC. Off the hour, when everybody else calls."
  type        = string
  default     = "17 */6 * * *"

  validation {
    condition     = can(regex("^\\S+( \\S+){4}$", var.sweep_schedule))
    error_message = "sweep_schedule has the five fields of cron, such as 17 */6 * * *."
  }
}

variable "sync" {
  description = "The size of sync. It holds an archive and what it unpacks to in memory."
  type = object({
    memory          = optional(string, "2Gi") # an archive of up to 500 MB is taken; its files lie in memory too
    cpu             = optional(string, "1")
    concurrency     = optional(number, 1)   # one archive at a time
    timeout_seconds = optional(number, 540) # the most that an event-driven function gets
    min_instances   = optional(number, 0)   # nobody waits for it
    max_instances   = optional(number, 1)   # two archives of one source would only make each other try again
  })
  default = {}

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
  description = "Putting drift back. While it is off, Setpoint has no right to change anything. What it does then is said by the policy."
  type = object({
    enabled   = optional(bool, false)
    within    = optional(string)          # organizations/NUMBER, folders/NUMBER or projects/ID: where it may write
    resources = optional(set(string), []) # asset types whose resources it may write
    policies  = optional(set(string), []) # asset types whose IAM policies it may write: whoever may can make anybody owner
  })
  default = {}

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
  description = "The organisation that the custom role of remediation is made in, as a number; null makes it in a project, for remediation.within = projects/ID."
  type        = string
  default     = null

  validation {
    condition     = var.remediation_role_in == null || can(regex("^[0-9]+$", var.remediation_role_in))
    error_message = "remediation_role_in is the number of an organisation."
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
    max_instances   = optional(number, 4) # claims are written beside one record of brakes: more would wait for each other
  })
  default = {}

  validation {
    condition     = var.remediate.timeout_seconds >= 180 && var.remediate.timeout_seconds <= 540
    error_message = "remediate.timeout_seconds is 180, as a write with all its tries may take, to 540."
  }
  validation {
    condition     = var.remediate.concurrency >= 1 && var.remediate.max_instances >= 1 && var.remediate.min_instances >= 0 && var.remediate.min_instances <= var.remediate.max_instances
    error_message = "remediate.concurrency and remediate.max_instances are at least 1, remediate.min_instances 0 to remediate.max_instances."
  }
}

variable "delivery_attempts" {
  description = "How often a message is tried before it becomes a dead letter; with the growing pauses 100 times are some 15 hours."
  type        = number
  default     = 100

  validation {
    condition     = var.delivery_attempts >= 5 && var.delivery_attempts <= 100
    error_message = "delivery_attempts is 5 to 100, as Pub/Sub allows."
  }
}

variable "archive_days" {
  description = "How long uploaded archives of declarations are kept after they were applied."
  type        = number
  default     = 90

  validation {
    condition     = var.archive_days >= 7
    error_message = "archive_days is at least 7, so that an archive outlives its retries and the question what was in it."
  }
}

variable "uploaders" {
  description = "Who may upload declarations: members as IAM writes them, such as the service account of a CI."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.uploaders : can(regex("^(serviceAccount|group|user|principal|principalSet):", member))])
    error_message = "uploaders are members such as serviceAccount:ci@PROJECT.iam.gserviceaccount.com."
  }
}
