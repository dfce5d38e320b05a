output "load_balancer_dns_name" {
  description = "Target of the private DNS record of public_url."
  value       = aws_lb.this.dns_name
}

output "oidc_client_secret_arn" {
  description = "Where the client secret goes: aws secretsmanager put-secret-value --secret-id ARN --secret-string …"
  value       = aws_secretsmanager_secret.oidc_client_secret.arn
}

output "redirect_uri" {
  description = "To be registered at the identity provider."
  value       = "${var.public_url}/oauth/callback"
}

output "task_role_arn" {
  description = "For what more the gateway may do, such as sts:AssumeRole."
  value       = aws_iam_role.task.arn
}
