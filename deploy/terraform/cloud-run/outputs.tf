output "load_balancer_address" {
  description = "Target of the private DNS record of public_url."
  value       = google_compute_address.this.address
}

output "oidc_client_secret" {
  description = "Where the client secret goes: gcloud secrets versions add NAME --data-file=-"
  value       = google_secret_manager_secret.oidc_client_secret.secret_id
}

output "redirect_uri" {
  description = "To be registered at the identity provider."
  value       = "${var.public_url}/oauth/callback"
}

output "service_account" {
  description = "For what more the gateway may do."
  value       = google_service_account.this.email
}
