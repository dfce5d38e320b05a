variable "name" {
  description = "Prefix of every resource's name."
  type        = string
  default     = "claude-gateway"
}

variable "project" {
  description = "Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of the service and its database."
  type        = string
}

variable "model_region" {
  description = "Region, multi-region or global, in which the Claude models are enabled for the project."
  type        = string
  default     = "global"
}

variable "network" {
  description = "Id of the VPC that developers reach over VPN or Interconnect, with private services access (servicenetworking.googleapis.com) for Cloud SQL."
  type        = string
}

variable "subnetwork" {
  description = "Id of a subnet in region, for the service's way out and the load balancer's address. The VPC also needs a proxy-only subnet there."
  type        = string
}

variable "proxy_only_cidr" {
  description = "Range of the VPC's proxy-only subnet: its X-Forwarded-For is believed."
  type        = string
}

variable "public_url" {
  description = "The address developers use: https:// and a name of certificate whose private DNS record points at the output load_balancer_address."
  type        = string

  validation {
    condition     = startswith(var.public_url, "https://")
    error_message = "public_url begins with https://."
  }
}

variable "certificate" {
  description = "Id of a regional certificate of Certificate Manager for the name in public_url."
  type        = string
}

variable "image" {
  description = "Image of deploy/Dockerfile in Artifact Registry, by digest or by a tag that does not move."
  type        = string
}

variable "gateway_yaml" {
  description = "Text of gateway.yaml, which names secrets as $${NAME}: JWT_SECRET, DATABASE_PASSWORD, OIDC_CLIENT_SECRET, and those of extra_secrets. Null takes gateway.yaml.tftpl of this folder."
  type        = string
  default     = null
}

variable "oidc_issuer" {
  description = "Issuer of the identity provider, for the gateway.yaml of this folder."
  type        = string
  default     = "https://accounts.google.com"
}

variable "oidc_client_id" {
  description = "Client id of the gateway at the identity provider, for the gateway.yaml of this folder."
  type        = string
}

variable "allowed_email_domains" {
  description = "Domains whose people may sign in, for the gateway.yaml of this folder."
  type        = list(string)
}

variable "extra_secrets" {
  description = "More environment variables from Secret Manager: name to secret id."
  type        = map(string)
  default     = {}
}

variable "min_instances" {
  description = "Instances at least. None would have the first request of the day wait for a start."
  type        = number
  default     = 1
}

variable "max_instances" {
  description = "Instances at most."
  type        = number
  default     = 10
}

variable "max_requests_per_instance" {
  description = "Requests, open streams among them, that one instance takes before another is started; 1,000 at most."
  type        = number
  default     = 200
}

variable "database_tier" {
  description = "Machine type of the database."
  type        = string
  default     = "db-custom-1-3840"
}

variable "database_deletion_protection" {
  description = "Whether the database refuses to be deleted."
  type        = bool
  default     = true
}

variable "secrets_version" {
  description = "A higher number makes a new database password and JWT secret; the latter signs everybody out."
  type        = number
  default     = 1
}
