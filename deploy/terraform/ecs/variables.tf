variable "name" {
  description = "Prefix of every resource's name."
  type        = string
  default     = "claude-gateway"
}

variable "region" {
  description = "AWS region, also of Bedrock."
  type        = string
}

variable "vpc_id" {
  description = "The VPC that developers reach over VPN, Direct Connect or a transit gateway."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets in at least two zones, for the load balancer, the tasks and the database. They need a way out (NAT or endpoints) to the identity provider, Bedrock, Secrets Manager, the registry and CloudWatch Logs."
  type        = list(string)

  validation {
    condition     = length(var.private_subnet_ids) >= 2
    error_message = "Give subnets in at least two zones."
  }
}

variable "client_cidrs" {
  description = "Networks that developers come from. Claude Code takes a gateway with private addresses only."
  type        = list(string)
}

variable "public_url" {
  description = "The address developers use: https:// and a name in certificate_arn whose private DNS record points at the output load_balancer_dns_name."
  type        = string

  validation {
    condition     = startswith(var.public_url, "https://")
    error_message = "public_url begins with https://."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the name in public_url."
  type        = string
}

variable "image" {
  description = "Image of deploy/Dockerfile in a registry that the tasks reach, by digest or by a tag that does not move."
  type        = string
}

variable "gateway_yaml" {
  description = "Text of gateway.yaml, for example templatefile(\"gateway.yaml.tftpl\", {…}). It names secrets as $${NAME}: JWT_SECRET, DATABASE_PASSWORD, OIDC_CLIENT_SECRET, and those of extra_secrets. Null takes gateway.yaml.tftpl of this folder."
  type        = string
  default     = null
}

variable "oidc_issuer" {
  description = "Issuer of the identity provider, for the gateway.yaml of this folder."
  type        = string
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
  description = "More environment variables from Secrets Manager: name to ARN."
  type        = map(string)
  default     = {}
}

variable "config_image" {
  description = "An image with a shell that writes gateway.yaml into the task's volume and ends."
  type        = string
  default     = "public.ecr.aws/docker/library/busybox:1.37.0"
}

variable "inference_profile_prefix" {
  description = "Geography of the Bedrock inference profiles that may be invoked, such as us, eu, apac or global."
  type        = string
  default     = "us"
}

variable "cpu" {
  description = "CPU units of a task."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "MiB of a task."
  type        = number
  default     = 2048
}

variable "min_tasks" {
  description = "Tasks at least."
  type        = number
  default     = 2
}

variable "max_tasks" {
  description = "Tasks at most."
  type        = number
  default     = 10
}

variable "database_instance_class" {
  description = "Instance class of the database."
  type        = string
  default     = "db.t4g.medium"
}

variable "database_deletion_protection" {
  description = "Whether the database refuses to be deleted, and leaves a last snapshot when it is."
  type        = bool
  default     = true
}

variable "secrets_version" {
  description = "A higher number makes a new database password and JWT secret; the latter signs everybody out."
  type        = number
  default     = 1
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the log and the audit events."
  type        = number
  default     = 90
}
