# Claude Code clients -> internal application load balancer (TLS) -> Cloud Run -> Claude on Google Cloud by the service
# account; Cloud SQL for PostgreSQL by its private address; gateway.yaml and secrets in Secret Manager.

provider "google" {
  project = var.project
  region  = var.region
}

locals {
  gateway_yaml = var.gateway_yaml != null ? var.gateway_yaml : templatefile("${path.module}/gateway.yaml.tftpl", {
    public_url            = var.public_url
    proxy_only_cidr       = var.proxy_only_cidr
    oidc_issuer           = var.oidc_issuer
    oidc_client_id        = var.oidc_client_id
    allowed_email_domains = var.allowed_email_domains
    database_address      = google_sql_database_instance.this.private_ip_address
    model_region          = var.model_region
    project               = var.project
  })

  secrets = merge({
    JWT_SECRET         = google_secret_manager_secret.jwt.secret_id
    DATABASE_PASSWORD  = google_secret_manager_secret.database_password.secret_id
    OIDC_CLIENT_SECRET = google_secret_manager_secret.oidc_client_secret.secret_id
  }, var.extra_secrets)
}

resource "google_project_service" "this" {
  for_each = toset([
    "aiplatform.googleapis.com",
    "compute.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "sqladmin.googleapis.com",
  ])
  service            = each.value
  disable_on_destroy = false
}

# ---- identity: the models and its own secrets, nothing else

resource "google_service_account" "this" {
  account_id   = var.name
  display_name = "claude-gateway"
}

resource "google_project_iam_member" "models" {
  project = var.project
  role    = "roles/aiplatform.user"
  member  = google_service_account.this.member
}

resource "google_secret_manager_secret_iam_member" "this" {
  for_each  = merge(local.secrets, { GATEWAY_YAML = google_secret_manager_secret.gateway_yaml.secret_id })
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}

# ---- secrets

ephemeral "random_password" "jwt" {
  length  = 64
  special = false
}

ephemeral "random_password" "database" {
  length  = 40
  special = false
}

resource "google_secret_manager_secret" "jwt" {
  secret_id = "${var.name}-jwt"

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_version" "jwt" {
  secret                 = google_secret_manager_secret.jwt.id
  secret_data_wo         = ephemeral.random_password.jwt.result
  secret_data_wo_version = var.secrets_version
}

resource "google_secret_manager_secret" "database_password" {
  secret_id = "${var.name}-database-password"

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_version" "database_password" {
  secret                 = google_secret_manager_secret.database_password.id
  secret_data_wo         = ephemeral.random_password.database.result
  secret_data_wo_version = var.secrets_version
}

# Its value is put in by hand (README); the service does not start before.
resource "google_secret_manager_secret" "oidc_client_secret" {
  secret_id = "${var.name}-oidc-client-secret"

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

# Not secret, but Cloud Run mounts no other files.
resource "google_secret_manager_secret" "gateway_yaml" {
  secret_id = "${var.name}-config"

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_version" "gateway_yaml" {
  secret      = google_secret_manager_secret.gateway_yaml.id
  secret_data = local.gateway_yaml
}

# ---- database

resource "google_sql_database_instance" "this" {
  name                = var.name
  database_version    = "POSTGRES_17"
  deletion_protection = var.database_deletion_protection

  settings {
    tier              = var.database_tier
    edition           = "ENTERPRISE"
    availability_type = "REGIONAL"
    disk_autoresize   = true

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_sql_database" "this" {
  name     = "gateway"
  instance = google_sql_database_instance.this.name
}

resource "google_sql_user" "this" {
  name                = "gateway"
  instance            = google_sql_database_instance.this.name
  password_wo         = ephemeral.random_password.database.result
  password_wo_version = var.secrets_version
}

# ---- service

resource "google_cloud_run_v2_service" "this" {
  name                = var.name
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  deletion_protection = false
  # The gateway asks for bearers itself; Google's own check in front of it would have developers sign in twice.
  invoker_iam_disabled = true

  template {
    service_account                  = google_service_account.this.email
    max_instance_request_concurrency = var.max_requests_per_instance
    # The longest that Cloud Run lets a stream live.
    timeout = "3600s"

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    vpc_access {
      # To the database; providers and the identity provider are reached without the VPC.
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = var.network
        subnetwork = var.subnetwork
      }
    }

    containers {
      image = var.image
      args  = ["--config", "/etc/claude-gateway/gateway.yaml"]

      ports {
        container_port = 8080
      }

      resources {
        limits = {
          cpu    = "1"
          memory = "1Gi"
        }
        # Spend and revocations travel between requests, too.
        cpu_idle          = false
        startup_cpu_boost = true
      }

      env {
        # Cloud Run kills an instance ten seconds after SIGTERM, whatever is open.
        name  = "CLAUDE_GATEWAY_DRAIN_TIMEOUT_MS"
        value = "8000"
      }

      dynamic "env" {
        for_each = local.secrets

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }

      volume_mounts {
        name       = "config"
        mount_path = "/etc/claude-gateway"
      }

      startup_probe {
        period_seconds    = 2
        timeout_seconds   = 2
        failure_threshold = 30

        http_get {
          path = "/healthz"
          port = 8080
        }
      }

      liveness_probe {
        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = 6

        http_get {
          path = "/healthz"
          port = 8080
        }
      }
    }

    volumes {
      name = "config"

      secret {
        secret = google_secret_manager_secret.gateway_yaml.secret_id

        items {
          # By number: a new text is a new revision, and so a deployment.
          version = google_secret_manager_secret_version.gateway_yaml.version
          path    = "gateway.yaml"
        }
      }
    }
  }

  depends_on = [
    google_project_iam_member.models,
    google_secret_manager_secret_iam_member.this,
    google_secret_manager_secret_version.jwt,
    google_secret_manager_secret_version.database_password,
    google_sql_database.this,
    google_sql_user.this,
  ]
}

# ---- internal application load balancer

resource "google_compute_address" "this" {
  name         = var.name
  region       = var.region
  subnetwork   = var.subnetwork
  address_type = "INTERNAL"
  purpose      = "SHARED_LOADBALANCER_VIP"

  depends_on = [google_project_service.this]
}

resource "google_compute_region_network_endpoint_group" "this" {
  name                  = var.name
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloud_run_v2_service.this.name
  }
}

resource "google_compute_region_backend_service" "this" {
  name                  = var.name
  region                = var.region
  load_balancing_scheme = "INTERNAL_MANAGED"
  protocol              = "HTTPS"

  backend {
    group           = google_compute_region_network_endpoint_group.this.id
    balancing_mode  = "UTILIZATION"
    capacity_scaler = 1
  }
}

resource "google_compute_region_url_map" "this" {
  name            = var.name
  region          = var.region
  default_service = google_compute_region_backend_service.this.id
}

resource "google_compute_region_target_https_proxy" "this" {
  name                             = var.name
  region                           = var.region
  url_map                          = google_compute_region_url_map.this.id
  certificate_manager_certificates = [var.certificate]
}

resource "google_compute_forwarding_rule" "this" {
  name                  = var.name
  region                = var.region
  load_balancing_scheme = "INTERNAL_MANAGED"
  network               = var.network
  subnetwork            = var.subnetwork
  ip_address            = google_compute_address.this.id
  target                = google_compute_region_target_https_proxy.this.id
  port_range            = "443"
}
